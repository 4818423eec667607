/** Filters as pictures: each weight at its place, zero in the middle of the scale, nothing between filters. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fillFilters, layoutFilters } from "../../static/js/draw/filters.js";

/** @param {import("../../static/js/draw/filters.js").Filters} filters @param {number} available @param {number} zoom */
function drawn(filters, available, zoom) {
  const layout = layoutFilters(filters, available, zoom, 1);
  const pixels = new Uint32Array(layout.width * layout.height);
  fillFilters(pixels, filters, layout);
  return { layout, at: (/** @type {number} */ x, /** @type {number} */ y) => [0, 8, 16, 24].map((shift) => (pixels[y * layout.width + x] >>> shift) & 255) };
}

test("one image channel is grey: most negative black, most positive white, gaps clear", () => {
  const values = new Float32Array([-2, 0, 2, 1, 0, 0, 0, 0, 0, -1, 0, 0]);
  const { layout, at } = drawn({ count: 3, channels: 1, kernel: [2, 2], values }, 10, 2);
  assert.deepEqual([layout.columns, layout.rows, layout.width, layout.height], [2, 2, 9, 9]);
  assert.deepEqual(at(0, 0), [0, 0, 0, 255]);
  assert.deepEqual(at(3, 1), [128, 128, 128, 255]);
  assert.deepEqual(at(1, 3), [255, 255, 255, 255]);
  assert.deepEqual(at(3, 3), [191, 191, 191, 255]);
  assert.deepEqual(at(4, 0), [0, 0, 0, 0]);
  assert.deepEqual(at(2, 5), [64, 64, 64, 255]);
  assert.deepEqual(at(5, 5), [0, 0, 0, 0]);
});

test("three are red, green and blue of one range", () => {
  const { at } = drawn({ count: 1, channels: 3, kernel: [1, 1], values: new Float32Array([1, 0, -0.5]) }, 4, 3);
  assert.deepEqual(at(2, 2), [255, 128, 64, 255]);
});

test("weights of zero are the middle grey, however few fit", () => {
  const { layout, at } = drawn({ count: 2, channels: 1, kernel: [1, 1], values: new Float32Array(2) }, 1, 4);
  assert.equal(layout.columns, 1);
  assert.deepEqual(at(0, 0), [128, 128, 128, 255]);
});
