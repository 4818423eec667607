/**
 * Paints feature maps as grey tiles: numbers in, pixels out. One canvas per group, one canvas pixel per map value.
 *
 * Tile k of a canvas (k from 0, channel `data-out-start` + k, `data-count` of them) has its top left pixel at
 *   x = (k mod data-columns) * (data-tile-width + data-gap), y = floor(k / data-columns) * (data-tile-height + data-gap);
 * its grey is round(255 * (value - lo) / (hi - lo)), 0 where hi = lo, with lo and hi the smallest and largest value
 * (of the tiles as sent, not of the full resolution) of that map, of its group or of all maps, by `scaling`.
 * Gaps are transparent. Leaves out where canvases stand on the page: CSS may show a pixel larger or smaller.
 *
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {[number, number]} Range  lo, hi
 * @typedef {object} Layout
 * @property {number} columns
 * @property {number} rows
 * @property {number} width  of the canvas, in pixels
 * @property {number} height
 * @property {number} gap  in canvas pixels
 * @property {number} zoom  CSS pixels per canvas pixel
 */

const OPAQUE = 0xff000000;
const GREY = 0x010101;

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
export function zoomOf(count, side, room = windowWidth()) {
  const shown = shownSide(count, room);
  return side <= shown * 1.25 ? Math.max(1, Math.floor(shown / side)) : 0.5;
}

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
  return data.reduce(([lo, hi], v) => [Math.min(lo, v), Math.max(hi, v)], [Infinity, -Infinity]);
}

/**
 * @param {readonly Tile[]} tiles  at least one
 * @returns {Range}
 */
export function sharedRange(tiles) {
  return tiles.map(rangeOf).reduce(([lo, hi], [a, b]) => [Math.min(lo, a), Math.max(hi, b)]);
}

/**
 * @param {number} value
 * @param {Range} range
 */
function grey(value, [lo, hi]) {
  const level = hi > lo ? Math.round((255 * (value - lo)) / (hi - lo)) : 0;
  return Math.min(255, Math.max(0, level));
}

const table = new Uint32Array(256);

/**
 * @param {Tile} tile  quantised
 * @param {Range} range
 */
function fillTable({ scale, offset }, range) {
  for (let q = 0; q < 256; q++) table[q] = OPAQUE + GREY * grey(q * scale + offset, range);
}

/**
 * @param {Uint32Array} pixels  ABGR, row by row
 * @param {number} stride  pixels per row
 * @param {number} start  index of the tile's first pixel
 * @param {Tile} tile
 * @param {Range} range
 */
function fillTile(pixels, stride, start, tile, range) {
  const { data, width, height } = tile;
  const quantised = data instanceof Uint8Array;
  if (quantised) fillTable(tile, range);
  for (let y = 0, k = 0; y < height; y++) {
    for (let at = start + y * stride, end = at + width; at < end; at++, k++) {
      pixels[at] = quantised ? table[data[k]] : OPAQUE + GREY * grey(data[k], range);
    }
  }
}

/**
 * @param {Uint32Array} pixels  ABGR, at least width * height of them; gaps become transparent
 * @param {readonly Tile[]} tiles
 * @param {Layout} layout
 * @param {Range|null} range  null: each tile its own
 */
export function fillMaps(pixels, tiles, { columns, width, height, gap }, range) {
  pixels.fill(0, 0, width * height);
  tiles.forEach((tile, k) => {
    const x = (k % columns) * (tile.width + gap);
    const y = Math.floor(k / columns) * (tile.height + gap);
    fillTile(pixels, width, y * width + x, tile, range ?? rangeOf(tile));
  });
}

let pixels = new Uint32Array(0); // one for all canvases, as large as the largest

/**
 * @param {CanvasRenderingContext2D} context  of a canvas of the layout's size
 * @param {readonly Tile[]} tiles
 * @param {Layout} layout
 * @param {Range|null} range
 */
export function paintMaps(context, tiles, layout, range) {
  const area = layout.width * layout.height;
  if (pixels.length < area) pixels = new Uint32Array(area);
  fillMaps(pixels, tiles, layout, range);
  context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer, 0, area * 4), layout.width, layout.height), 0, 0);
}
