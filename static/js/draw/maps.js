/**
 * Paints feature maps as tiles: numbers in, pixels out. One canvas per group, one canvas pixel per map value.
 *
 * Tile k of a canvas (k from 0, `data-count` of them) is channel `data-out-start` + k, or where they are not in a row
 * the k-th of `data-channels`, and has its top left pixel at
 *   x = (k mod data-columns) * (data-tile-width + data-gap), y = floor(k / data-columns) * (data-tile-height + data-gap);
 * its level is round(255 * (value - lo) / (hi - lo)), 0 where hi = lo, with lo and hi the smallest and largest value
 * (of the tiles as sent, not of the full resolution) of that map, of its group or of all maps, by `scaling`. The level
 * is the grey, or the entry of a table of colours. A dead map may be crossed out, from corner to corner.
 * Gaps are transparent. Leaves out where canvases stand on the page: CSS may show a pixel larger or smaller.
 *
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {[number, number]} Range  lo, hi
 * @typedef {object} Look
 * @property {Uint32Array} [colours]  256 pixels, ABGR; greys where it is left out
 * @property {boolean} [signed]  zero in the middle of each tile's own range
 * @property {boolean} [flagDead]  cross out the tiles that are zero everywhere
 * @typedef {object} Layout
 * @property {number} columns
 * @property {number} rows
 * @property {number} width  of the canvas, in pixels
 * @property {number} height
 * @property {number} gap  in canvas pixels
 * @property {number} zoom  CSS pixels per canvas pixel
 */

import { isDead } from "../model/tiles.js";

const OPAQUE = 0xff000000;
const GREY = 0x010101;
const GREYS = Uint32Array.from({ length: 256 }, (_, level) => OPAQUE + GREY * level);
const [BLACK, WHITE] = [GREYS[0], GREYS[255]];

const MIDDLING = 128; // at most so many maps are worth more bytes
const WIDE = /** @type {const} */ ([[2240, 112], [1640, 80]]); // windows that hold 16 maps of such a side in a row

const windowWidth = () => globalThis.innerWidth ?? 0;

/**
 * How many map values the longer side of a tile should have: few maps are shown larger, and dense screens get
 * more values as long as the bytes stay few.
 * @param {number} count
 * @param {number} density  device pixels per CSS pixel
 * @param {number} [room]  CSS pixels across the window
 */
export function tileSide(count, density, room = windowWidth()) {
  if (count <= MIDDLING && density >= 1.5) return shownSide(count, 0) * 2;
  return shownSide(count, room);
}

/**
 * CSS pixels of a tile's longer side.
 * @param {number} count
 * @param {number} room
 */
function shownSide(count, room) {
  if (count <= 4) return 224;
  if (count <= 16) return 128;
  const wide = count <= MIDDLING && WIDE.find(([least]) => room >= least);
  if (wide) return wide[1];
  return count <= 512 ? 64 : 32;
}

/**
 * Small maps are enlarged by whole factors; maps with far more values than CSS pixels are shown at half size.
 * @param {number} count
 * @param {number} side  longer side of a tile, in values
 * @param {number} [room]  CSS pixels across the window
 */
export const zoomOf = (count, side, room = windowWidth()) => zoomTo(shownSide(count, room), side);

/**
 * The same where the page says how large a tile should be.
 * @param {number} shown  CSS pixels of a tile's longer side
 * @param {number} side  in values
 */
export const zoomTo = (shown, side) => (side <= shown * 1.25 ? Math.max(1, Math.floor(shown / side)) : 0.5);

/**
 * As few rows as fit, with their tiles spread evenly. No gap past zoom 2: it would be wider than 2 CSS pixels.
 * @param {number} count  tiles
 * @param {{width: number, height: number}} tile
 * @param {number} zoom
 * @param {number} available  CSS pixels
 * @returns {Layout}
 */
export function arrange(count, tile, zoom, available) {
  const gap = zoom > 2 ? 0 : Math.ceil(1 / zoom);
  const most = Math.max(1, Math.floor((available / zoom + gap) / (tile.width + gap)));
  const rows = Math.ceil(count / most);
  const columns = Math.ceil(count / rows);
  return {
    columns,
    rows,
    width: columns * (tile.width + gap) - gap,
    height: rows * (tile.height + gap) - gap,
    gap,
    zoom,
  };
}

/**
 * @param {Tile} tile
 * @returns {Range} of the values as sent
 */
export function rangeOf({ data, scale, offset }) {
  if (data instanceof Uint8Array) return [offset, 255 * scale + offset];
  let [lo, hi] = [Infinity, -Infinity];
  for (let k = 0; k < data.length; k++) {
    if (data[k] < lo) lo = data[k];
    if (data[k] > hi) hi = data[k];
  }
  return [lo, hi];
}

/**
 * @param {readonly Tile[]} tiles  at least one
 * @returns {Range}
 */
export function sharedRange(tiles) {
  return tiles.map(rangeOf).reduce(([lo, hi], [a, b]) => [Math.min(lo, a), Math.max(hi, b)]);
}

/**
 * What black and white stand for in each section.
 * @param {readonly {tiles: readonly Tile[]}[]} sections
 * @param {"map"|"group"|"shared"} scaling
 * @returns {(Range|null)[]}  null: each tile its own
 */
export function rangesOf(sections, scaling) {
  if (scaling === "map") return sections.map(() => null);
  const ranges = sections.map(({ tiles }) => sharedRange(tiles));
  if (scaling === "group") return ranges;
  const [lo, hi] = [Math.min(...ranges.map(([a]) => a)), Math.max(...ranges.map(([, b]) => b))];
  return sections.map(() => [lo, hi]);
}

/**
 * As far below zero as above it, for a signed scale; -1 to 1 where all is zero, so that zero stays in the middle.
 * @param {readonly Tile[]} tiles  at least one
 * @returns {Range}
 */
export function signedRange(tiles) {
  const [lo, hi] = sharedRange(tiles);
  const most = Math.max(Math.abs(lo), Math.abs(hi)) || 1;
  return [-most, most];
}

/**
 * The ranges of sections whose maps stand beside their counterparts in other runs: a map, a group or all share one range
 * with all of these, so that the runs can be compared.
 * @param {readonly import("../model/sections.js").Section[]} sections
 * @param {readonly (readonly Tile[])[]} runs  tiles of all channels, of each run; one of them alone where there is one
 * @param {"map"|"group"|"shared"} scaling
 * @param {boolean} signed  zero in the middle
 * @returns {(Range|Range[])[]}
 */
export function rangesBeside(sections, runs, scaling, signed) {
  /** @param {readonly number[]} channels */
  const over = (channels) => (signed ? signedRange : sharedRange)(runs.flatMap((tiles) => channels.map((channel) => tiles[channel])));
  const own = sections.map(({ tiles }) => tiles.map(({ channel }) => channel));
  if (scaling === "map") return own.map((channels) => channels.map((channel) => over([channel])));
  if (scaling === "group") return own.map(over);
  const all = over(own.flat());
  return own.map(() => all);
}

/**
 * @param {number} value
 * @param {Range} range
 */
function levelOf(value, [lo, hi]) {
  const level = hi > lo ? Math.round((255 * (value - lo)) / (hi - lo)) : 0;
  return Math.min(255, Math.max(0, level));
}

const table = new Uint32Array(256);

/**
 * @param {Tile} tile  quantised
 * @param {Range} range
 * @param {Uint32Array} colours
 */
function fillTable({ scale, offset }, range, colours) {
  for (let q = 0; q < 256; q++) table[q] = colours[levelOf(q * scale + offset, range)];
}

/**
 * @param {Uint32Array} pixels  ABGR, row by row
 * @param {number} stride  pixels per row
 * @param {number} start  index of the tile's first pixel
 * @param {Tile} tile
 * @param {Range} range
 * @param {Uint32Array} colours
 */
function fillTile(pixels, stride, start, tile, range, colours) {
  const { data, width, height } = tile;
  const quantised = data instanceof Uint8Array;
  if (quantised) fillTable(tile, range, colours);
  for (let y = 0, k = 0; y < height; y++) {
    for (let at = start + y * stride, end = at + width; at < end; at++, k++) {
      pixels[at] = quantised ? table[data[k]] : colours[levelOf(data[k], range)];
    }
  }
}

/**
 * Both diagonals, black or white, whichever stands out.
 * @param {Uint32Array} pixels
 * @param {number} stride
 * @param {number} start
 * @param {Tile} tile  one colour all over
 * @param {number} thick  pixels
 */
function crossOut(pixels, stride, start, { width, height }, thick) {
  const [red, green, blue] = [0, 8, 16].map((shift) => (pixels[start] >>> shift) & 255);
  const ink = 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? WHITE : BLACK;
  const steps = Math.max(width, height, 2) - 1;
  for (let step = 0; step <= steps; step++) {
    const x = Math.round((step * (width - 1)) / steps);
    const y = Math.round((step * (height - 1)) / steps);
    for (let more = 0; more < thick && x + more < width; more++) {
      pixels[start + y * stride + x + more] = ink;
      pixels[start + y * stride + width - 1 - x - more] = ink;
    }
  }
}

/**
 * @param {Uint32Array} pixels  ABGR, at least width * height of them; gaps become transparent
 * @param {readonly Tile[]} tiles
 * @param {Layout} layout
 * @param {Range|readonly Range[]|null} range  of all tiles, or of each; null: each tile its own
 * @param {Look} [look]
 */
export function fillMaps(pixels, tiles, { columns, width, height, gap, zoom }, range, { colours = GREYS, signed = false, flagDead = false } = {}) {
  pixels.fill(0, 0, width * height);
  const thick = Math.ceil(1 / zoom); // one CSS pixel at least
  tiles.forEach((tile, k) => {
    const x = (k % columns) * (tile.width + gap);
    const y = Math.floor(k / columns) * (tile.height + gap);
    const start = y * width + x;
    const given = isEach(range) ? range[k] : range;
    fillTile(pixels, width, start, tile, given ?? (signed ? signedRange([tile]) : rangeOf(tile)), colours);
    if (flagDead && isDead(tile)) crossOut(pixels, width, start, tile, thick);
  });
}

/** @param {Range|readonly Range[]|null} range @returns {range is readonly Range[]} */
const isEach = (range) => Array.isArray(range?.[0]);

let pixels = new Uint32Array(0); // one for all canvases, as large as the largest

/**
 * @param {CanvasRenderingContext2D} context  of a canvas of the layout's size
 * @param {readonly Tile[]} tiles
 * @param {Layout} layout
 * @param {Range|readonly Range[]|null} range
 * @param {Look} [look]
 */
export function paintMaps(context, tiles, layout, range, look) {
  const area = layout.width * layout.height;
  if (pixels.length < area) pixels = new Uint32Array(area);
  fillMaps(pixels, tiles, layout, range, look);
  context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer, 0, area * 4), layout.width, layout.height), 0, 0);
}
