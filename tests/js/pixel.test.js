/** One value taken apart: what the answer holds, what it adds up to, and the numbers as text. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fillTaps, tapZoom } from "../../static/js/draw/taps.js";
import { colourTable } from "../../static/js/draw/colours.js";
import {
  decimal, fieldSentence, linesOf, mostOf, outsideOf, productsOf, readPixel, runningTotals, sightOf, sightSentence, stemField,
} from "../../static/js/model/pixel.js";
import { parseQuery, settle } from "../../static/js/model/stackstate.js";
import { bodyOf } from "./bodies.js";

/** @typedef {import("../../static/js/model/stackstate.js").StackState} StackState */

/** @param {Partial<StackState>} patch */
const stateOf = (patch) => settle(parseQuery("", {}).state, patch);

const FACTS = {
  inputs: [2, 3], sums: [5, -7], bias: 0.5, conv: -1.5, normalised: -1.5, identity: 4, sum: 2.5, output: 2.5,
  mean: null, deviation: null, receptive_field: [0, 0, 4, 5], patch_at: [-1, 2], shape: [4, 6, 6], stem_channels: 2,
};

/** @param {object} [more] */
function pixelOf(more) {
  const patch = Float32Array.of(0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6);
  const kernel = Float32Array.of(9, 9, 9, 1, 2, 0, 9, 9, 9, -2, 0.5, 0);
  const metadata = Object.fromEntries(Object.entries({ ...FACTS, ...more }).map(([name, value]) => [name, JSON.stringify(value)]));
  const shape = [2, 2, 3];
  return readPixel(bodyOf({ kernel: { dtype: "F32", shape, data: kernel }, patch: { dtype: "F32", shape, data: patch } }, metadata));
}

test("an answer holds every fact, and as many taps as its shape says", () => {
  const pixel = pixelOf();
  const { patch, kernel, count, rows, columns, ...facts } = pixel;
  assert.deepEqual(facts, FACTS);
  assert.deepEqual([count, rows, columns], [2, 2, 3]);
  assert.deepEqual([...patch.slice(3, 6)], [1, 2, 3]);
  assert.deepEqual([...productsOf(pixel)], [0, 0, 0, 1, 4, 0, 0, 0, 0, -8, 2.5, 0]);
  assert.equal(kernel[9], -2);
});

test("a signed scale ends at the value farthest from zero, and is not empty where all is zero", () => {
  assert.equal(mostOf(Float32Array.of(1, -3, 2)), 3);
  assert.equal(mostOf(new Float32Array(4)), 1);
});

test("totals run from nothing to the whole sum", () => {
  assert.deepEqual(runningTotals([5, -7, 1]), [0, 5, -2, -1]);
  assert.deepEqual(runningTotals([]), [0]);
});

test("the lines lead from the products to what the module gives, in its own order", () => {
  /** @param {object} more @param {Partial<StackState>} how */
  const keys = (more, how) => linesOf(pixelOf(more), { bias: true, normalisation: "none", relu: true, ...how }).map(({ key, total }) => [key, total]);
  assert.deepEqual(keys({}, {}), [["bias", -1.5], ["identity", 2.5], ["relu", 2.5]]);
  assert.deepEqual(keys({ identity: null, sum: -1.5 }, { bias: false }), [["relu", 0]]);
  assert.deepEqual(keys({ identity: null, sum: -1.5 }, { bias: false, relu: false }), []);
  const moments = { mean: -2, deviation: 0.5 };
  assert.deepEqual(keys({ ...moments, normalised: 1, sum: 5 }, { normalisation: "conv" }), [["bias", -1.5], ["normalised", 1], ["identity", 5], ["relu", 5]]);
  assert.deepEqual(keys({ ...moments, sum: 9 }, { normalisation: "sum" }), [["bias", -1.5], ["identity", 2.5], ["normalised", 9], ["relu", 9]]);
  const [, , line] = linesOf(pixelOf({ ...moments, sum: 9 }), { bias: true, normalisation: "sum", relu: true });
  assert.equal(line.note, "mean −2.000000, deviation 0.500000");
});

test("taps beyond the border are told, with dilation too", () => {
  assert.deepEqual([.../** @type {Uint8Array} */ (outsideOf(pixelOf(), [1, 1]))], [1, 1, 1, 0, 0, 0]);
  assert.deepEqual([.../** @type {Uint8Array} */ (outsideOf(pixelOf({ patch_at: [0, 2] }), [6, 2]))], [0, 0, 1, 1, 1, 1]);
  assert.equal(outsideOf(pixelOf({ patch_at: [4, 3] }), [1, 1]), null);
});

test("sums have six decimals, or a power of ten where those say nothing", () => {
  assert.deepEqual([0, -1.5, 0.0000012, -2e-19, 1234567, 999999.5].map(decimal), ["0.000000", "−1.500000", "1.2e−6", "−2.0e−19", "1.2e+6", "999999.500000"]);
  assert.deepEqual([null, Infinity, NaN].map(decimal), Array(3).fill("not finite"));
});

test("a channel sees what the group that writes it reads", () => {
  const state = stateOf({ in_channels: 8, scheme: "uniform", groups: 4, module: 1, channel: 5 });
  assert.deepEqual(sightOf(state, "a"), { seen: [4, 5], hidden: [0, 1, 2, 3, 6, 7] });
  assert.deepEqual(sightOf({ ...state, b_scheme: "standard", b_groups: 1 }, "b").hidden, []);
  // Moved by a quarter in module 2: group 4 writes 0 and 1 there, and reads them.
  const rotated = stateOf({ in_channels: 8, scheme: "uniform", groups: 4, mixing: "rotated", module: 2, channel: 0 });
  assert.deepEqual(sightOf(rotated, "a").seen, [0, 1]);
  assert.deepEqual(sightOf({ ...rotated, scheme: "logarithmic", groups: 2, channel: 1 }, "a").seen, [6, 7, 0, 1]);
});

test("what has a say in a value is told as it is: gaps with dilation, every pixel with a normalisation", () => {
  const field = /** @type {[number, number, number, number]} */ ([2, 0, 9, 5]);
  const told = (/** @type {Partial<StackState>} */ patch) => fieldSentence(field, stateOf({ size: 32, module: 2, ...patch }));
  assert.equal(told({}), "Rows 2–8, columns 0–4: 7 × 5 of 32 × 32 pixels can change this value.");
  assert.match(told({ dilation: [1, 3] }), /pixels hold all that can change this value; dilated kernels may pass over some of them\.$/);
  assert.match(told({ dilation: [1, 3], kernel_size: [3, 1] }), /pixels can change this value\.$/, "a kernel of one tap has no gaps");
  assert.match(told({ normalisation: "sum" }), /pixels reach this value through kernels\. Every pixel has a say through the normalisation/);
  assert.match(told({ normalisation: "conv", dilation: [2, 2] }), /hold all that reaches .* may pass over some of them\. Every pixel has a say/);
  assert.match(told({ normalisation: "sum", dilation: [2, 2], module: 0 }), /pixels can change this value\.$/, "the stem is neither");
  const seen = (/** @type {Partial<StackState>} */ patch) => sightSentence([9, 99], stateOf({ size: 32, ...patch }));
  assert.equal(seen({}), "A value sees up to 9 × 32 pixels of the picture.");
  assert.match(seen({ dilation: [3, 1] }), /^A value’s kernels reach no farther than 9 × 32 pixels of the picture, and, dilated, may pass over/);
  assert.equal(seen({ normalisation: "conv" }), "A value sees up to 9 × 32 pixels of the picture through kernels; through the normalisation’s mean and deviation, all of it.");
  assert.match(seen({ normalisation: "sum", dilation: [3, 1] }), /some of them; through the normalisation’s mean and deviation, all of it\.$/);
});

test("the stem reads a 3 by 3 patch, as far as there is a picture", () => {
  assert.deepEqual(stemField(5, 0, 8), [4, 0, 7, 2]);
  assert.deepEqual(stemField(7, 7, 8), [6, 6, 8, 8]);
});

test("tiles are painted on a signed scale, tap by tap, and checkered beyond the border", () => {
  const table = colourTable("diverging");
  const tiles = { values: Float32Array.of(9, 9, -2, 0, 2, 1), rows: 1, columns: 2, zoom: 2, most: 2 };
  const pixels = new Uint32Array(12); // two rows of six
  fillTaps(pixels, 6, 1, tiles, 1);
  assert.deepEqual([...pixels.slice(0, 6)], [0, table[0], table[0], table[128], table[128], 0]);
  assert.deepEqual(pixels.slice(6), pixels.slice(0, 6));
  fillTaps(pixels, 6, 0, { ...tiles, zoom: 1, outside: Uint8Array.of(1, 0) }, 2);
  assert.deepEqual([pixels[0], pixels[1]], [0xff8c8c8c, table[191]]);
  assert.deepEqual([tapZoom(3, 3, 30), tapZoom(7, 5, 30), tapZoom(64, 1, 30)], [10, 4, 1]);
});
