/**
 * Paints the taps of kernels, patches and their products: small tiles on a signed scale with zero in the middle, each
 * tap a square without smoothing. Leaves out where the canvas stands.
 *
 * @typedef {object} Tiles
 * @property {Float32Array} values  (tiles, rows, columns)
 * @property {number} rows
 * @property {number} columns
 * @property {number} zoom  canvas pixels of a tap
 * @property {number} most  distance from zero of the scale's ends
 * @property {Uint8Array|null} [outside]  1 for a tap that has no value: it lies beyond the border
 */
import { colourTable } from "./colours.js";

const OUTSIDE = [0xff8c8c8c, 0xffb4b4b4]; // the checker of draw/heat.js: nothing is there

/**
 * The largest whole factor at which a tile keeps within a length.
 * @param {number} rows
 * @param {number} columns
 * @param {number} side  pixels
 */
export const tapZoom = (rows, columns, side) => Math.max(1, Math.floor(side / Math.max(rows, columns)));

/**
 * @param {Uint32Array} pixels  ABGR
 * @param {number} stride  pixels per row
 * @param {number} start  index of the tile's first pixel
 * @param {Tiles} tiles
 * @param {number} tile  which of them
 */
export function fillTaps(pixels, stride, start, { values, rows, columns, zoom, most, outside }, tile) {
  const table = colourTable("diverging");
  for (let i = 0, tap = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, tap++) {
      const level = Math.round((127.5 * values[tile * rows * columns + tap]) / most + 127.5);
      const colour = outside?.[tap] ? OUTSIDE[(i + j) % 2] : table[Math.min(255, Math.max(0, level))];
      const at = start + i * zoom * stride + j * zoom;
      for (let y = 0; y < zoom; y++) pixels.fill(colour, at + y * stride, at + y * stride + zoom);
    }
  }
}

/**
 * @param {HTMLCanvasElement} canvas  becomes as large as they need
 * @param {Tiles} tiles
 * @param {readonly number[]} which  tiles, in rows from left to right
 * @param {{across?: number, gap?: number}} [layout]  tiles in a row; pixels between them
 */
export function paintTaps(canvas, tiles, which, { across = which.length, gap = 0 } = {}) {
  const [width, height] = [tiles.columns * tiles.zoom, tiles.rows * tiles.zoom];
  const stride = across * (width + gap) - gap;
  const total = Math.ceil(which.length / across) * (height + gap) - gap;
  if (canvas.width !== stride) canvas.width = stride;
  if (canvas.height !== total) canvas.height = total;
  const pixels = new Uint32Array(stride * total);
  which.forEach((tile, k) => fillTaps(pixels, stride, Math.floor(k / across) * (height + gap) * stride + (k % across) * (width + gap), tiles, tile));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), stride, total), 0, 0);
}
