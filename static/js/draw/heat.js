/**
 * A matrix as a heat-map: numbers in, pixels out, rows and columns in any order. One pixel per cell, or enlarged
 * by a whole factor without smoothing and with thin lines between groups. Cells that have no value, such as those of a
 * dead channel, are a checker of two greys. Leaves out where the canvas stands and what the axes are called.
 *
 * @typedef {[number, number]} Range  lo, hi: the ends of the table of colours
 * @typedef {object} Absent
 * @property {ReadonlySet<number>} rows  numbers in the matrix, not places on the canvas
 * @property {ReadonlySet<number>} columns
 * @typedef {object} Heat
 * @property {number} rows  of the matrix
 * @property {number} columns
 * @property {Float32Array} values  (rows, columns), row by row
 * @property {readonly number[]} [rowOrder]  the matrix's rows from top to bottom; in order where it is left out
 * @property {readonly number[]} [columnOrder]  the matrix's columns from left to right
 * @property {Uint32Array} table  256 pixels, ABGR
 * @property {Range} range
 * @property {Absent} [absent]
 * @typedef {object} Cuts  places in the order of display before which a line is drawn
 * @property {readonly number[]} [rowCuts]
 * @property {readonly number[]} [columnCuts]
 * @typedef {{zoom: number, width: number, height: number}} HeatLayout  canvas pixels per cell, and of the whole
 */

const OPAQUE = 0xff000000;
const CHECKER = [OPAQUE + 0x8c8c8c, OPAQUE + 0xb4b4b4];
const LINE = OPAQUE + 0x808080;
const MOST_ENLARGED = 512; // channels; from there on a cell is a pixel
const MOST_ZOOM = 16;
const LEAST_WITH_LINES = 3; // canvas pixels of a cell, so that its line leaves most of it

/** @param {number} count */
const inOrder = (count) => Array.from({ length: count }, (_, i) => i);

/**
 * @param {Uint32Array} pixels  ABGR, one per cell shown, row by row
 * @param {Heat} heat
 */
export function fillHeat(pixels, { rows, columns, values, rowOrder = inOrder(rows), columnOrder = inOrder(columns), table, range: [lo, hi], absent }) {
  const factor = hi > lo ? 255 / (hi - lo) : 0;
  for (let y = 0, at = 0; y < rowOrder.length; y++) {
    const start = rowOrder[y] * columns;
    const noRow = absent?.rows.has(rowOrder[y]) ?? false;
    for (let x = 0; x < columnOrder.length; x++, at++) {
      const value = values[start + columnOrder[x]];
      const none = noRow || (absent?.columns.has(columnOrder[x]) ?? false) || Number.isNaN(value);
      pixels[at] = none ? CHECKER[(x + y) % 2] : table[Math.min(255, Math.max(0, Math.round((value - lo) * factor)))];
    }
  }
}

/**
 * The largest whole factor that fits.
 * @param {number} rows  shown
 * @param {number} columns
 * @param {number} available  CSS pixels across
 * @returns {HeatLayout}
 */
export function layoutHeat(rows, columns, available) {
  const many = Math.max(rows, columns) > MOST_ENLARGED;
  const zoom = many ? 1 : Math.min(MOST_ZOOM, Math.max(1, Math.floor(available / columns)));
  return { zoom, width: columns * zoom, height: rows * zoom };
}

/**
 * @param {Uint32Array} pixels  ABGR, layout.width * layout.height of them
 * @param {Uint32Array} cells  one per cell
 * @param {HeatLayout} layout
 * @param {Cuts} cuts
 */
export function enlargeHeat(pixels, cells, { zoom, width, height }, { rowCuts = [], columnCuts = [] }) {
  const columns = width / zoom;
  for (let y = 0, at = 0; y < height; y++) {
    const start = Math.floor(y / zoom) * columns;
    for (let column = 0; column < columns; column++, at += zoom) pixels.fill(cells[start + column], at, at + zoom);
  }
  if (zoom < LEAST_WITH_LINES) return;
  for (const cut of rowCuts) if (cut > 0) pixels.fill(LINE, cut * zoom * width, (cut * zoom + 1) * width);
  for (const cut of columnCuts) {
    if (cut > 0 && cut < columns) for (let y = 0; y < height; y++) pixels[y * width + cut * zoom] = LINE;
  }
}
