/**
 * The maps of a stack's module by group: where the split was rotated a group's channels wrap round, and by energy the
 * strongest of each group stands first.
 *
 * @typedef {import("./stackstate.js").FrozenStackState} State
 * @typedef {import("./sections.js").Section} Section
 * @typedef {import("./tiles.js").Tile} Tile
 * @typedef {import("./grouping.js").Span} Span
 * @typedef {{index: number, from: number, to: number}} Part  channels [from, to) of one group
 */
import { span as spanText } from "./format.js";
import { rotationOf, spansOf } from "./stackstate.js";
import { energyOf } from "./tiles.js";

/**
 * Channels start, start + 1, ... of `total`, moved by `turn`.
 * @param {number} start
 * @param {number} count
 * @param {number} turn
 * @param {number} total
 */
export const turned = (start, count, turn, total) => Array.from({ length: count }, (_, i) => (start + turn + i) % total);

/**
 * Sorted or not, as few runs as there are: 60–63, 0–11.
 * @param {readonly number[]} channels  in the order in which runs are looked for
 */
export function runsText(channels) {
  /** @type {[number, number][]} */
  const runs = [];
  for (const channel of channels) {
    const last = runs[runs.length - 1];
    if (last && last[0] + last[1] === channel) last[1] += 1;
    else runs.push([channel, 1]);
  }
  return runs.map(([start, count]) => spanText(start, count)).join(", ");
}

/**
 * What a group reads, in words. Mixed channels have no old names: they are those of what enters the module.
 * @param {State} state
 * @param {"a"|"b"} side
 * @param {number} module
 * @param {number} group
 */
export function seesText(state, side, module, group) {
  const { in_start, in_channels } = spansOf(state, side)[group];
  const turn = in_channels === state.in_channels ? 0 : rotationOf(state, module); // all of them, in whatever order
  const channels = turned(in_start, in_channels, turn, state.in_channels);
  return `${channels.length === 1 ? "input" : "inputs"} ${runsText(channels)}`;
}

/**
 * @param {State} state
 * @param {"a"|"b"|"difference"|"ink"} side  a difference stands in the groups of A
 * @param {readonly Tile[]} tiles  of all channels
 * @returns {Section[]}
 * @throws {import("./grouping.js").Illegal}
 */
export function sectionsOfModule(state, side, tiles) {
  const split = side === "b" ? "b" : "a";
  const { module, in_channels } = state;
  return spansOf(state, split).map(({ index, out_start, out_channels }) => {
    const channels = module === 0 ? turned(out_start, out_channels, 0, in_channels) : turned(out_start, out_channels, rotationOf(state, module), in_channels);
    const own = channels.map((channel) => tiles[channel]);
    if (state.order === "energy") own.sort((a, b) => energyOf(b) - energyOf(a));
    return {
      index, name: `group ${index + 1}`, short: `g${index + 1}`,
      sees: module === 0 ? "red, green and blue" : seesText(state, split, module, index), tiles: own,
    };
  });
}

/**
 * Ranges of channels by group, in order; a group that wraps round has two.
 * @param {readonly Span[]} spans
 * @param {"in"|"out"} side
 * @param {number} turn
 * @param {number} total
 * @returns {Part[]}
 */
export function partsOf(spans, side, turn, total) {
  return spans.flatMap((span) => {
    const from = ((side === "in" ? span.in_start : span.out_start) + turn) % total;
    const to = from + (side === "in" ? span.in_channels : span.out_channels);
    const { index } = span;
    return to <= total ? [{ index, from, to }] : [{ index, from, to: total }, { index, from: 0, to: to - total }];
  });
}
