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
 * @typedef {import("./grouping.js").Span} Span
 */
import { readSafetensors } from "./safetensors.js";
import { rotationOf, spansOf } from "./stackstate.js";
import { turned } from "./stacksections.js";

const MINUS = "\u2212";
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
 * The fewest digits that give the same float32 back: 0.1, not 0.10000000149.
 * @param {number} value
 */
export function float32Text(value) {
  if (!Number.isFinite(value)) return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === Math.fround(value)) return String(near);
  }
  return String(Number(value.toPrecision(9)));
}

/** A number's text as it is set: with a minus, not a hyphen. @param {string} text */
export const typeset = (text) => text.replaceAll("-", MINUS);

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
 * The group that writes a channel of a module, or of the stem, whose maps stand in the split's groups too.
 * @param {State} state
 * @param {"a"|"b"} side
 * @returns {Span}
 */
export function groupOf(state, side) {
  const { in_channels, module, channel } = state;
  const at = (channel - rotationOf(state, module) + in_channels) % in_channels;
  const spans = spansOf(state, side);
  return /** @type {Span} */ (spans.findLast(({ out_start }) => out_start <= at));
}

/**
 * The channels of what enters the module that a channel's group reads, in their order, and all the others.
 * @param {State} state
 * @param {"a"|"b"} side
 */
export function sightOf(state, side) {
  const { in_start, in_channels: count } = groupOf(state, side);
  const seen = turned(in_start, count, rotationOf(state, state.module), state.in_channels);
  const among = new Set(seen);
  const hidden = Array.from({ length: state.in_channels }, (_, i) => i).filter((i) => !among.has(i));
  return { seen, hidden };
}

/**
 * A shuffle deals one channel from each group in turn: which channel of the module before comes to each place.
 * @param {readonly Span[]} groups
 */
export function dealt(groups) {
  const longest = Math.max(...groups.map(({ out_channels }) => out_channels));
  return Array.from({ length: longest }, (_, turn) => turn).flatMap((turn) =>
    groups.filter(({ out_channels }) => turn < out_channels).map(({ out_start }) => out_start + turn),
  );
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
