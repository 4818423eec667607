/**
 * Maps as they stand together: a section per group, its tiles in the order in which they are shown. A tile knows its
 * channel, so sections may hold any channels in any order.
 *
 * @typedef {import("./grouping.js").Span} Span
 * @typedef {import("./tiles.js").Tile} Tile
 * @typedef {object} Label
 * @property {number} index  of the group, from 0: its colour and texture
 * @property {string} name  group 3
 * @property {string} [all]  what its maps are called together; all of group 3 where it is left out
 * @property {string} [short]  g3, where there is no room for the name
 * @property {string} sees  what its maps are made of, after the word sees: inputs 0–31
 * @typedef {Label & {tiles: readonly Tile[]}} Section  at least one tile, all of a size
 */
import { inputsOf } from "./format.js";

const GLYPH = 8; // CSS pixels of a caption's character, about

/**
 * @param {Span} group
 * @returns {Label}
 */
export const labelOf = (group) => ({
  index: group.index, name: `group ${group.index + 1}`, short: `g${group.index + 1}`, sees: inputsOf(group),
});

/**
 * @param {readonly Span[]} groups
 * @param {readonly Tile[]} tiles  of all channels, in their order
 * @returns {Section[]}
 */
export const sectionsOf = (groups, tiles) =>
  groups.map((group) => ({
    ...labelOf(group),
    tiles: tiles.slice(group.out_start, group.out_start + group.out_channels),
  }));

/**
 * @param {readonly Section[]} sections
 * @param {number} channel
 */
export const sectionOf = (sections, channel) => sections.find(({ tiles }) => tiles.some((tile) => tile.channel === channel));

/**
 * Places in the order of display: one after another through all sections.
 * @param {readonly Section[]} sections
 */
export function placesOf(sections) {
  const channels = sections.flatMap(({ tiles }) => tiles.map(({ channel }) => channel));
  const places = new Map(channels.map((channel, place) => [channel, place]));
  let count = 0;
  const starts = sections.map(({ tiles }) => (count += tiles.length) - tiles.length);
  return {
    channels,
    /** @param {number} channel */
    placeOf: (channel) => places.get(channel),
    /** @param {number} place @returns {[number, number]} which section, which of its tiles */
    at(place) {
      const section = starts.findLastIndex((start) => start <= place);
      return [section, place - starts[section]];
    },
  };
}

/**
 * The channels of a section, or null where they follow one another: its first and its count say it then.
 * @param {readonly Tile[]} tiles
 */
export const scatteredChannels = (tiles) =>
  tiles.every(({ channel }, k) => channel === tiles[0].channel + k) ? null : tiles.map(({ channel }) => channel);

/**
 * The longest caption that fits; the rest is in the readout and the table. A map alone in its group goes by its own
 * number, from 0 as everywhere; groups count from 1 and always say that they are groups.
 * @param {Section} section
 * @param {number} width  CSS pixels
 * @param {number} [total]  of sections: the first is captioned as shortly as the last has to be
 */
export function captionOf({ index, name, short = name, sees, tiles }, width, total = 1) {
  const alone = tiles.length === 1;
  const [first, least] = alone ? [`map ${tiles[0].channel}`, String(tiles[0].channel)] : [name, short];
  const more = alone ? name : `${tiles.length} channels`;
  const texts = [`${first} · ${more} · sees ${sees}`, `${first} · sees ${sees}`, first];
  const room = width / GLYPH - Math.max(0, String(total).length - String(index + 1).length);
  return texts.find((text) => text.length <= room) ?? least;
}
