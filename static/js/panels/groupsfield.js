/**
 * The number of groups of a split: the slider comes to rest on what the channels allow; what is typed and is not
 * possible moves to the nearest, and the page says so.
 */
import { qs, setText } from "../core/dom.js";
import { counted, number } from "../model/format.js";
import { hasChoice } from "../model/grouping.js";
import { legalOf } from "../model/splits.js";
import { travel } from "../model/travel.js";

/**
 * @template {object} S
 * @param {object} deps
 * @param {string} deps.id  of the slider, and name of the state's number
 * @param {import("../core/store.js").StoreOf<S>} deps.store  keeps the number possible
 * @param {import("../core/errors.js").Errors} deps.errors
 * @param {(state: Readonly<S>) => import("../model/grouping.js").GroupingSpec} deps.splitOf
 * @param {(target: EventTarget, type: string, handler: (event: any) => void) => void} deps.on
 */
export function createGroupsField({ id, store, errors, splitOf, on }) {
  const slider = /** @type {HTMLInputElement} */ (qs(`#${id}`));
  const box = /** @type {HTMLInputElement} */ (qs(`#${id}-number`));
  let wanted = NaN;

  /** @param {number} groups */
  function ask(groups) {
    errors.clearFieldError(id);
    wanted = groups;
    store.update(/** @type {Partial<S>} */ ({ [id]: groups }));
    show(store.get());
    const { groups: now, in_channels: a, out_channels: b, scheme } = splitOf(store.get());
    if (now === groups) return;
    const channels = a === b ? counted(a, "channel") : `${number(a)} → ${counted(b, "channel")}`;
    errors.showFieldNote(id, scheme === "uniform"
      ? `${channels} can’t be split into ${number(groups)} equal groups; the nearest number is ${number(now)}.`
      : `${channels} leave room for at most ${counted(now, "logarithmic group")}, not ${number(groups)}.`);
  }

  on(slider, "input", () => {
    const split = splitOf(store.get());
    ask(travel(legalOf(split), split.groups, Number(slider.value)));
  });
  on(box, "change", () => {
    const text = box.value.trim();
    if (/^[1-9]\d{0,5}$/.test(text)) return ask(Number(text));
    errors.showFieldError(id, `Groups must be a whole number from 1 on, not “${text.slice(0, 24)}”.`);
  });

  /** @param {Readonly<S>} state */
  function show(state) {
    const split = splitOf(state);
    const { groups } = split;
    const legal = legalOf(split);
    const fixed = !hasChoice(split.scheme);
    if (groups !== wanted) errors.clearFieldError(id);
    wanted = groups;
    slider.max = String(Math.max(groups, ...legal));
    slider.value = String(groups);
    slider.disabled = box.disabled = fixed;
    if (box !== document.activeElement || fixed) box.value = String(groups);
    const most = legal[legal.length - 1];
    const few = legal.length === most && most > 2 ? `1 to ${most}` : legal.length <= 9 ? legal.join(", ") : `${legal.slice(0, 7).join(", ")} … ${most}`;
    setText(qs(`#${id}-legal`), fixed ? "Set by the scheme." : `Possible: ${few}`);
  }
  return { show };
}
