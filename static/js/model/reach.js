/**
 * Where one channel of the stem can flow in a stack, module by module: compute/stack/reach.py for one column, so that
 * the page can say it of every cell it draws. Leaves out strengths: those are the server's.
 *
 * @typedef {import("./stackstate.js").FrozenStackState} State
 * @typedef {import("./stackstate.js").Side} Side
 * @typedef {import("./grouping.js").Span} Span
 */
import { rotationOf, spansOf } from "./stackstate.js";

/**
 * A shuffle deals one channel from each group in turn until all are used: channel i comes from channel order[i].
 * @param {readonly Span[]} groups
 */
export function dealt(groups) {
  const longest = Math.max(...groups.map(({ out_channels }) => out_channels));
  /** @type {number[]} */
  const order = [];
  for (let turn = 0; turn < longest; turn++) {
    for (const { out_start, out_channels } of groups) if (turn < out_channels) order.push(out_start + turn);
  }
  return order;
}

/** Whether something stands between the groups of `module` and those before it. @param {State} state @param {number} module */
export const mixedBefore = ({ mixing }, module) => module > 1 && (mixing === "shuffle" || mixing === "pointwise");

/**
 * The group of each channel: of the stem, the one that reads it in module 1; of a module, the one that made it.
 * @param {State} state
 * @param {Side} side
 * @param {number} module
 */
export function groupsAt(state, side, module) {
  const total = state.in_channels;
  const turn = rotationOf(state, module);
  const groups = new Uint16Array(total);
  for (const { index, in_start, in_channels, out_start, out_channels } of spansOf(state, side)) {
    const [start, count] = module === 0 ? [in_start, in_channels] : [out_start, out_channels];
    for (let c = start; c < start + count; c++) groups[(c + turn) % total] = index;
  }
  return groups;
}

/** Places before which another group begins. @param {ArrayLike<number>} groups  of each place */
export const cutsOf = (groups) => Array.from(groups, (_, c) => c).filter((c) => c > 0 && groups[c] !== groups[c - 1]);

/**
 * Which channels `channel` of the stem can influence: after the stem, then after each of the `modules`.
 * @param {State} state
 * @param {Side} side
 * @param {number} channel
 * @param {number} [modules]
 * @returns {Uint8Array[]}  1 where it can
 */
export function flow(state, side, channel, modules = state.modules) {
  const groups = spansOf(state, side);
  const order = dealt(groups);
  let now = new Uint8Array(state.in_channels);
  now[channel] = 1;
  const rows = [now];
  for (let module = 1; module <= modules; module++) {
    if (mixedBefore(state, module)) now = state.mixing === "shuffle" ? now.map((_, i) => now[order[i]]) : new Uint8Array(now.length).fill(1);
    now = through(now, groups, rotationOf(state, module), state.residual);
    rows.push(now);
  }
  return rows;
}

/**
 * @param {Uint8Array} now
 * @param {readonly Span[]} groups
 * @param {number} turn
 * @param {boolean} residual
 */
function through(now, groups, turn, residual) {
  const total = now.length;
  const next = residual ? now.slice() : new Uint8Array(total);
  for (const { in_start, in_channels, out_start, out_channels } of groups) {
    let any = 0;
    for (let c = in_start; c < in_start + in_channels && !any; c++) any = now[(c + turn) % total];
    if (any) for (let c = out_start; c < out_start + out_channels; c++) next[(c + turn) % total] = 1;
  }
  return next;
}

const AHEAD = 16; // modules

/**
 * Whether no depth would carry the channel to more channels: modules beyond the last are asked.
 * @param {State} state
 * @param {Side} side
 * @param {number} channel
 */
export function closed(state, side, channel) {
  const counts = flow(state, side, channel, state.modules + AHEAD).slice(state.modules).map((row) => row.reduce((sum, value) => sum + value, 0));
  return counts.every((count) => count <= counts[0]);
}
