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
 * @returns {Section[]}  of the stem by who reads it: no group has written it
 * @throws {import("./grouping.js").Illegal}
 */
export function sectionsOfModule(state, side, tiles) {
  const split = side === "b" ? "b" : "a";
  const { module, in_channels } = state;
  const turn = rotationOf(state, module);
  return spansOf(state, split).map(({ index, in_start, in_channels: reads, out_start, out_channels: writes }) => {
    const channels = module === 0 ? turned(in_start, reads, 0, in_channels) : turned(out_start, writes, turn, in_channels);
    const own = channels.map((channel) => tiles[channel]);
    if (state.order === "energy") own.sort((a, b) => energyOf(b) - energyOf(a));
    const [group, short] = [`group ${index + 1}`, `g${index + 1}`];
    return module === 0
      ? { index, name: `read by ${group}`, short, all: `all that ${group} reads`, sees: "red, green and blue", tiles: own }
      : { index, name: group, short, sees: seesText(state, split, module, index), tiles: own };
  });
}

/**
 * Where the groups of a module's maps lie: they belong to the group that writes them, those of the stem to the group
 * that reads them in module 1.
 * @param {State} state
 * @param {"a"|"b"} side
 * @param {number} module
 */
const partsAt = (state, side, module) =>
  partsOf(spansOf(state, side), module === 0 ? "in" : "out", rotationOf(state, module), state.in_channels);

/**
 * The group of each channel.
 * @param {State} state
 * @param {"a"|"b"} side
 * @param {number} module
 */
export function groupsAt(state, side, module) {
  const groups = new Uint16Array(state.in_channels);
  for (const { index, from, to } of partsAt(state, side, module)) groups.fill(index, from, to);
  return groups;
}

/**
 * The group of one channel, from 0.
 * @param {State} state
 * @param {"a"|"b"} side
 * @param {number} module
 * @param {number} channel
 */
export function groupOf(state, side, module, channel) {
  const part = partsAt(state, side, module).find(({ from, to }) => from <= channel && channel < to);
  return /** @type {Part} */ (part).index;
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
