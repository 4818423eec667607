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

/** Places before which another group begins. @param {ArrayLike<number>} groups  of each place */
export const cutsOf = (groups) => Array.from(groups, (_, c) => c).filter((c) => c > 0 && groups[c] !== groups[c - 1]);

/**
 * Which channels `channel` of the stem can influence: after the stem, then after each of the `modules`.
 * @param {State} state
 * @param {Side} side
 * @param {number} channel
 * @returns {Uint8Array[]}  1 where it can
 */
export function flow(state, side, channel) {
  const groups = spansOf(state, side);
  const order = dealt(groups);
  let now = new Uint8Array(state.in_channels);
  now[channel] = 1;
  const rows = [now];
  for (let module = 1; module <= state.modules; module++) {
    now = next(now, state, module, groups, order);
    rows.push(now);
  }
  return rows;
}

/**
 * @param {Uint8Array} row  after the module before
 * @param {State} state
 * @param {number} module
 * @param {readonly Span[]} groups
 * @param {readonly number[]} order
 */
function next(row, state, module, groups, order) {
  const shuffled = state.mixing === "shuffle";
  const mixed = !mixedBefore(state, module) ? row : shuffled ? row.map((_, i) => row[order[i]]) : new Uint8Array(row.length).fill(1);
  return through(mixed, groups, rotationOf(state, module), state.residual);
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

/** Whether every group writes the channels it reads: then, without mixing, no channel leaves its group. @param {readonly Span[]} groups */
export const walled = (groups) =>
  groups.every(({ in_start, in_channels, out_start, out_channels }) => in_start === out_start && in_channels === out_channels);

const MOST_CELLS = 2 ** 26; // channels times modules that are walked at most: no split in use comes near

/**
 * Whether no depth would carry the channel to more channels. Modules beyond the last are alike, rotated ones in turns of
 * two: where a set of channels comes back, nothing new can follow. Marks are set at powers of two (Brent).
 * @param {State} state
 * @param {Side} side
 * @param {number} channel
 */
export function closed(state, side, channel) {
  const groups = spansOf(state, side);
  const order = dealt(groups);
  let now = flow(state, side, channel)[state.modules];
  const count = countOf(now);
  let [mark, at, power] = [now, state.modules, 1];
  const end = state.modules + MOST_CELLS / now.length;
  for (let module = state.modules + 1; module <= end; module++) {
    now = next(now, state, module, groups, order);
    if (countOf(now) > count) return false;
    const steps = module - at;
    if (steps % 2 === 0 && same(now, mark)) return true;
    if (steps === power) [mark, at, power] = [now, module, 2 * power];
  }
  return true;
}

/** @param {Uint8Array} row */
const countOf = (row) => row.reduce((sum, value) => sum + value, 0);

/** @param {Uint8Array} a @param {Uint8Array} b */
const same = (a, b) => a.every((value, c) => value === b[c]);
