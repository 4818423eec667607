/**
 * What the ink shows, in words and strengths; its numbers are those of GET /api/stack/ink.
 *
 * @typedef {{module: number, max: number[], mean: number[], changed: number, reachable: number|null}} InkRow
 * @typedef {{stem: InkRow, modules: InkRow[]}} Ink
 * @typedef {import("./stackstate.js").FrozenStackState} State
 */
import { counted, number } from "./format.js";
import { walled } from "./reach.js";
import { runsText } from "./stacksections.js";
import { sideOf, spansOf } from "./stackstate.js";

/** @param {Ink} ink */
export const rowsOf = ({ stem, modules }) => [stem, ...modules];

/** @param {number} module */
export const afterName = (module) => (module === 0 ? "the stem" : `module ${module}`);

const FAINTEST = 0.16; // so that the weakest change is no empty cell

/**
 * How strong each channel's colour is, from 0 to 1: the square root of its mean |difference| over the row's largest;
 * 0 only where nothing changed at all.
 * @param {InkRow} row
 */
export function strengths({ mean, max }) {
  const most = mean.reduce((a, b) => Math.max(a, b), 0);
  return Float32Array.from(mean, (value, c) => (max[c] === 0 ? 0 : Math.max(FAINTEST, most > 0 ? Math.sqrt(value / most) : 1)));
}

/** @param {InkRow} row */
export const changedText = ({ max }) => runsText(max.flatMap((value, c) => (value > 0 ? [c] : []))) || "none";

/** The channel that changed most. @param {InkRow} row */
export const strongest = ({ max }) => max.reduce((best, value, c) => (value > max[best] ? c : best), 0);

/** Where every group writes the channels it reads. */
const STUCK = /** @type {Record<State["mixing"], string>} */ ({
  none: "walls stand between the groups",
  shuffle: "dealt out in turn, these groups lead back into themselves, however deep the stack",
  rotated: "turned by a quarter, these groups still share a wall, however deep the stack",
  pointwise: "",
});
const LEADS_NOWHERE = "the groups hand it no further, however deep the stack";

/**
 * @param {State} state
 * @param {Ink} ink
 * @param {boolean} stuck  no depth would carry it further
 */
export function inkSentence(state, ink, stuck) {
  const { dye, dye_channel, dye_size, in_channels, mixing, compare, side } = state;
  const rows = rowsOf(ink);
  const last = rows[rows.length - 1];
  const all = counted(in_channels, "channel");
  const whose = (/** @type {string} */ sentence) => (compare ? `${side.toUpperCase()}: ${sentence[0].toLowerCase()}${sentence.slice(1)}` : sentence);
  if (dye === "patch") {
    const { changed } = rows[0];
    const which = changed === in_channels && changed > 1 ? `all ${number(changed)} of its channels` : `${number(changed)} of its ${counted(in_channels, "channel")}`;
    return whose(`A patch of ${dye_size} × ${dye_size} pixels: the stem mixes the three colours, and ${which} change${changed === 1 ? "s" : ""}. ` +
      `After ${afterName(last.module)} the ink shows in ${number(last.changed)} of ${all}.`);
  }
  const first = rows.find(({ reachable }) => reachable === in_channels);
  const stays = zeros(last);
  if (first) return whose(`Channel ${dye_channel}: after ${afterName(first.module)} it has reached ${in_channels === 1 ? "the one channel there is" : `all ${number(in_channels)} channels`}.${stays}`);
  const why = stuck ? (walled(spansOf(state, sideOf(state))) ? STUCK[mixing] : LEADS_NOWHERE) : "more modules would carry it further";
  return whose(`Channel ${dye_channel} reaches ${number(last.reachable ?? 0)} of ${all} after ${afterName(last.module)}: ${why}.${stays}`);
}

/** Reached, and yet no different: ReLU holds a map at zero. @param {InkRow} row */
function zeros({ changed, reachable }) {
  const still = (reachable ?? 0) - changed;
  return still > 0 ? ` ${number(still)} of them show${still === 1 ? "s" : ""} no difference in this picture.` : "";
}
