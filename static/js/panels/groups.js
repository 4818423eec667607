/**
 * The groups slider: its value is the number of groups itself, and it comes to rest on legal numbers only,
 * whether stepped by key, by stepUp(), or dragged.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 */
import { h, qs, setText } from "../core/dom.js";
import { hasChoice } from "../model/grouping.js";
import { legalFor } from "../model/settle.js";
import { travel } from "../model/travel.js";

const MOST_TICKS = 40;

/**
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../core/store.js").Store} deps.store
 * @param {(field: "groups", raw: string) => void} deps.attempt
 * @param {() => string|undefined} deps.draft
 * @param {(target: EventTarget, type: string, handler: (event: any) => void) => void} deps.on
 */
export function createGroupsControl(host, { store, attempt, draft, on }) {
  const slider = /** @type {HTMLInputElement} */ (qs("#groups", host));
  const box = /** @type {HTMLInputElement} */ (qs("#groups-number", host));
  const ticks = qs("#groups-ticks", host);
  /** Where the pointer is while it drags, legal or not. @type {number|null} */
  let dragged = null;
  let drawn = "";

  on(slider, "pointerdown", () => {
    dragged = store.get().groups;
  });
  for (const type of ["change", "pointerup", "pointercancel"]) {
    on(slider, type, () => {
      dragged = null;
    });
  }
  on(slider, "input", () => {
    const state = store.get();
    const raw = Number(slider.value);
    const next = travel(legalFor(state), dragged ?? state.groups, raw);
    if (dragged !== null) dragged = raw;
    attempt("groups", String(next));
  });

  /** @param {readonly number[]} legal */
  function showTicks(legal) {
    const key = legal.join();
    if (key === drawn) return;
    drawn = key;
    const most = legal[legal.length - 1];
    const few = most > 1 && legal.length <= MOST_TICKS ? legal : [];
    ticks.replaceChildren(
      ...few.map((n) => {
        const tick = h("span");
        tick.style.setProperty("--at", String((n - 1) / (most - 1)));
        return tick;
      }),
    );
  }

  return {
    /**
     * @param {State} state
     * @param {HTMLInputElement|null} typing  the box whose text must stay
     */
    show(state, typing) {
      const legal = legalFor(state);
      const fixed = !hasChoice(state.scheme);
      slider.max = String(Math.max(state.groups, ...legal));
      slider.value = String(state.groups);
      slider.disabled = box.disabled = fixed;
      slider.setAttribute("aria-valuetext", `${state.groups} of at most ${slider.max}`);
      const text = draft() ?? String(state.groups);
      if (box !== typing && box.value !== text) box.value = text;
      setText(qs("#groups-legal", host), fixed ? "Set by the scheme." : `Possible: ${legalText(legal)}`);
      showTicks(fixed ? [] : legal);
    },
  };
}

/** @param {readonly number[]} legal */
function legalText(legal) {
  const most = legal[legal.length - 1];
  if (legal.length === most && most > 2) return `1 to ${most}`;
  return legal.length <= 9 ? legal.join(", ") : `${legal.slice(0, 7).join(", ")} … ${most}`;
}
