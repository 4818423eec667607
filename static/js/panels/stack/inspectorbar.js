/** Which map is looked at: its group, the side where there are two, and the way to its neighbours. */
import { h, setText } from "../../core/dom.js";
import { COLOURS, groupTexture } from "../../core/palette.js";
import { counted } from "../../model/format.js";

/**
 * @typedef {import("../../model/stackstate.js").StackState} StackState
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../model/stackstate.js").Side} Side
 */

/** @param {{update: (patch: Partial<StackState>) => void}} deps */
export function createInspectorBar({ update }) {
  const swatch = h("i");
  const group = h("span");
  const sides = /** @type {const} */ (["a", "b"]).map((side) =>
    h("button", { type: "button", "data-side": side, onclick: () => update({ inspected: side }) }, side.toUpperCase()));
  const choice = h("div", { class: "inspector-sides", role: "group", "aria-label": "Side" }, ...sides);
  let [channel, end] = [0, 0];
  /** @param {number} by */
  const go = (by) => update({ channel: Math.min(end, Math.max(0, channel + by)) });
  const before = h("button", { type: "button", onclick: () => go(-1) });
  const after = h("button", { type: "button", onclick: () => go(1) });
  const close = h("button", { type: "button", onclick: () => update({ channel: -1 }) }, "Close");
  const element = h("div", { class: "inspector-bar" }, h("p", { class: "inspector-group" }, swatch, group), choice, before, after, close);

  return {
    element,

    /**
     * @param {State} state
     * @param {Side} side
     * @param {import("../../model/grouping.js").Span} of
     */
    show(state, side, { index, out_channels }) {
      ({ channel } = state);
      swatch.className = `map-bar inspector-swatch texture-${groupTexture(index)}`;
      swatch.style.setProperty("--group", `var(--group-${(index % COLOURS) + 1})`);
      setText(group, state.module === 0 ? `read by group ${index + 1}` : `group ${index + 1} · writes ${counted(out_channels, "channel")}`);
      choice.hidden = !state.compare;
      for (const button of sides) button.setAttribute("aria-pressed", String(button.dataset.side === side));
      end = state.in_channels - 1;
      before.setAttribute("aria-disabled", String(channel === 0)); // disabled, it would lose the focus
      after.setAttribute("aria-disabled", String(channel === end));
      setText(before, `← Map ${Math.max(0, channel - 1)}`);
      setText(after, `Map ${Math.min(end, channel + 1)} →`);
    },

    destroy() {},
  };
}
