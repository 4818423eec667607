/** The arrow keys among maps: rows of unequal groups, some of them side by side. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { step } from "../../static/js/panels/mapsteps.js";

// Channels 0-5 in two rows of three; below them 6-7, and to their right, on the same row, 8.
const places = [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1], [0, 3], [1, 3], [3, 3]];
const boxOf = (/** @type {number} */ channel) => {
  const [column, row] = places[channel];
  return { left: column * 65, top: row * 65, width: 64, height: 64 };
};
const go = (/** @type {string} */ key, /** @type {number} */ at) => step(key, at, places.length, boxOf);

test("left and right go by channel and stop at the ends", () => {
  assert.deepEqual([go("ArrowRight", 2), go("ArrowRight", 8), go("ArrowLeft", 3), go("ArrowLeft", 0)], [3, 8, 2, 0]);
});

test("up and down go to the nearest map of the next row, across groups", () => {
  assert.deepEqual([go("ArrowDown", 1), go("ArrowDown", 4), go("ArrowDown", 5), go("ArrowDown", 7)], [4, 7, 7, 7]);
  assert.deepEqual([go("ArrowUp", 8), go("ArrowUp", 6), go("ArrowUp", 4), go("ArrowUp", 1)], [5, 3, 1, 1]);
});

test("Home and End go to the ends; other keys are left alone", () => {
  assert.deepEqual([go("Home", 5), go("End", 5), go("Tab", 5), go("Enter", 5)], [0, 8, null, null]);
});
