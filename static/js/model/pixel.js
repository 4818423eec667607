/**
 * One value of a map taken apart, as /api/stack/pixel tells it: what is read, the products, and what they add up to.
 * Leaves out fetching and drawing.
 *
 * @typedef {object} Facts
 * @property {number[]} inputs  channels of what enters the module, in the order of `patch`
 * @property {number[]} sums  of each input's products
 * @property {number} bias
 * @property {number} conv
 * @property {number} normalised  conv, after a normalisation of the convolution
 * @property {number|null} identity  null where nothing is added
 * @property {number} sum  what ReLU gets
 * @property {number} output  the value, float32
 * @property {number|null} mean  of the normalisation
 * @property {number|null} deviation
 * @property {[number, number, number, number]} receptive_field  top, left, bottom, right in pixels of the picture, half open
 * @property {[number, number]} patch_at  row and column of the first tap, maybe beyond the border
 * @property {[number, number, number]} shape  of the maps
 * @property {number} stem_channels  how many channels of the stem can reach the value
 * @typedef {{patch: Float32Array, kernel: Float32Array, count: number, rows: number, columns: number}} Taps  of `count` inputs
 * @typedef {Facts & Taps} Pixel
 * @typedef {object} Line  of the sum, after the products
 * @property {"bias"|"normalised"|"identity"|"relu"} key
 * @property {string} name
 * @property {string} note  the number that comes in
 * @property {number} total  after it
 * @typedef {import("./stackstate.js").FrozenStackState} State
 */
import { number, span, typeset } from "./format.js";
import { readSafetensors } from "./safetensors.js";
import { rotationOf, spansOf } from "./stackstate.js";
import { groupOf, turned } from "./stacksections.js";

const FACTS = /** @type {const} */ ([
  "inputs", "sums", "bias", "conv", "normalised", "identity", "sum", "output", "mean", "deviation",
  "receptive_field", "patch_at", "shape", "stem_channels",
]);

/**
 * @param {ArrayBuffer} buffer  a body of GET /api/stack/pixel
 * @returns {Pixel}
 */
export function readPixel(buffer) {
  const { metadata, tensors: { patch, kernel } } = readSafetensors(buffer);
  const facts = /** @type {Facts} */ (Object.fromEntries(FACTS.map((name) => [name, JSON.parse(metadata[name])])));
  const [count, rows, columns] = patch.shape;
  return { ...facts, patch: /** @type {Float32Array} */ (patch.data), kernel: /** @type {Float32Array} */ (kernel.data), count, rows, columns };
}

/**
 * Every product of patch and kernel, in their order.
 * @param {Taps} taps
 */
export const productsOf = ({ patch, kernel }) => patch.map((value, k) => value * kernel[k]);

/**
 * How far the largest value is from zero: the end of a signed scale; 1 where all is zero.
 * @param {Float32Array} values
 */
export function mostOf(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most || 1;
}

/**
 * The sum after each input: one more than there are inputs, from 0.
 * @param {readonly number[]} sums
 */
export function runningTotals(sums) {
  const totals = [0];
  for (const sum of sums) totals.push(totals[totals.length - 1] + sum);
  return totals;
}

/**
 * From the products to the value, in the order in which the module does it.
 * @param {Facts} facts
 * @param {Pick<State, "bias"|"normalisation"|"relu">} module
 * @param {(value: number|null) => string} [write]
 * @returns {Line[]}
 */
export function linesOf(facts, { bias, normalisation, relu }, write = decimal) {
  const { conv, normalised, identity, mean, deviation, sum } = facts;
  const moments = `mean ${write(mean)}, deviation ${write(deviation)}`;
  /** @type {Line[]} */
  const lines = [];
  if (bias) lines.push({ key: "bias", name: "+ bias = convolution", note: write(facts.bias), total: conv });
  if (normalisation === "conv") lines.push({ key: "normalised", name: "normalised", note: moments, total: normalised });
  if (identity !== null) {
    // What is normalised is the sum itself: until then it is the plain one.
    const added = normalisation === "sum" ? conv + identity : sum;
    lines.push({ key: "identity", name: "+ identity = sum", note: write(identity), total: added });
  }
  if (normalisation === "sum") lines.push({ key: "normalised", name: "normalised", note: moments, total: sum });
  if (relu) lines.push({ key: "relu", name: "ReLU", note: sum < 0 ? "below zero: 0" : "not below zero: kept", total: Math.max(0, sum) });
  return lines;
}

/**
 * Which taps of the patch lie beyond the border, where all is zero; null where none does.
 * @param {Pixel} pixel
 * @param {readonly [number, number]} dilation
 * @returns {Uint8Array|null} 1 for each of rows * columns taps that does
 */
export function outsideOf({ rows, columns, patch_at: [top, left], shape: [, height, width] }, [down, across]) {
  const outside = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [row, column] = [top + down * i, left + across * j];
      outside[i * columns + j] = Number(row < 0 || row >= height || column < 0 || column >= width);
    }
  }
  return outside.includes(1) ? outside : null;
}

/**
 * Six decimals, so that points stand below each other; a power of ten where they say nothing.
 * @param {number|null} value  null: beyond what a float can hold
 */
export function decimal(value) {
  if (value === null || !Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  const text = size > 0 && (size < 1e-5 || size >= 1e6) ? size.toExponential(1) : size.toFixed(6);
  return typeset(value < 0 ? `-${text}` : text);
}

/**
 * The channels of what enters the module that a channel's group reads, in their order, and all the others.
 * @param {State} state
 * @param {"a"|"b"} side
 */
export function sightOf(state, side) {
  const { in_start, in_channels: count } = spansOf(state, side)[groupOf(state, side, state.module, state.channel)];
  const seen = turned(in_start, count, rotationOf(state, state.module), state.in_channels);
  const among = new Set(seen);
  const hidden = Array.from({ length: state.in_channels }, (_, i) => i).filter((i) => !among.has(i));
  return { seen, hidden };
}

/**
 * What the stem reads of the picture, as a receptive field: 3 x 3 pixels.
 * @param {number} row
 * @param {number} column
 * @param {number} size
 * @returns {[number, number, number, number]}
 */
export const stemField = (row, column, size) =>
  [Math.max(0, row - 1), Math.max(0, column - 1), Math.min(size, row + 2), Math.min(size, column + 2)];

/** Whether a module's kernels leave pixels out between their taps. @param {State} state */
const dilated = ({ kernel_size, dilation }) => kernel_size.some((length, axis) => length > 1 && dilation[axis] > 1);

/**
 * What of the picture has a say in a value. Kernels reach its receptive field, dilated ones maybe not each pixel of it;
 * a normalisation's mean and deviation are of whole maps.
 * @param {readonly [number, number, number, number]} field  top, left, bottom, right, half open
 * @param {State} state
 */
export function fieldSentence([top, left, bottom, right], state) {
  const [height, width] = [bottom - top, right - left];
  const { module, size, normalisation } = state;
  const place = `Rows ${span(top, height)}, columns ${span(left, width)}: ${height} × ${width} of ${size} × ${size} pixels`;
  const gaps = module > 0 && dilated(state);
  if (module === 0 || normalisation === "none") {
    return gaps ? `${place} hold all that can change this value; dilated kernels may pass over some of them.` : `${place} can change this value.`;
  }
  const kernels = gaps ? "hold all that reaches this value through kernels, which, dilated, may pass over some of them" : "reach this value through kernels";
  return `${place} ${kernels}. Every pixel has a say through the normalisation: mean and deviation are of whole maps.`;
}

/**
 * The same of any value of a module, in few words.
 * @param {readonly [number, number]} field  height and width, where no border cuts it
 * @param {State} state
 */
export function sightSentence(field, state) {
  const [height, width] = field.map((length) => Math.min(length, state.size));
  const most = `${number(height)} × ${number(width)} pixels of the picture`;
  const kernels = dilated(state) ? `A value’s kernels reach no farther than ${most}, and, dilated, may pass over some of them` : `A value sees up to ${most}`;
  if (state.normalisation === "none") return `${kernels}.`;
  return `${dilated(state) ? kernels : `${kernels} through kernels`}; through the normalisation’s mean and deviation, all of it.`;
}
