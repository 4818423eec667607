/** Ways out of a stack that cannot be or is too much: each leads somewhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseQuery, settle } from "../../static/js/model/stackstate.js";
import { waysOut } from "../../static/js/panels/stack/waysout.js";

/** @typedef {Partial<import("../../static/js/model/stackstate.js").StackState>} Patch */

/** Labels and patches. @param {Patch} patch @param {{code?: string, field?: string|null}} error */
function waysOf(patch, error) {
  const state = settle(parseQuery("", {}).state, patch);
  /** @type {Patch[]} */
  const patches = [];
  const ways = waysOut(state, error, (each) => patches.push(each));
  for (const { run } of ways) run();
  return ways.map(({ label }, k) => [label, patches[k]]);
}

test("too much work is halved in size or channels, whatever field is named", () => {
  for (const field of ["size", "in_channels", "kernel_size", null]) {
    assert.deepEqual(waysOf({ size: 200, scheme: "uniform", groups: 8 }, { code: "too_much_work", field }), [
      ["Size 100", { size: 100 }], ["32 channels", { in_channels: 32 }],
    ]);
  }
  assert.deepEqual(waysOf({ size: 16, in_channels: 1, scheme: "standard" }, { code: "too_much_work", field: "size" }), []);
  assert.deepEqual(waysOf({ size: 20, in_channels: 1, scheme: "standard" }, { code: "too_much_work", field: "size" }), [["Size 16", { size: 16 }]]);
});

test("channels are halved only where the splits stay what they are", () => {
  const labels = (/** @type {Patch} */ patch) => waysOf({ size: 16, ...patch }, { code: "too_much_work" }).map(([label]) => label);
  assert.deepEqual(labels({ scheme: "depthwise" }), ["32 channels"]);
  assert.deepEqual(labels({ scheme: "uniform", groups: 64 }), [], "64 groups need 64 channels");
  assert.deepEqual(labels({ scheme: "logarithmic", groups: 7 }), []);
  assert.deepEqual(labels({ scheme: "standard", compare: true, b_scheme: "uniform", b_groups: 64 }), []);
  assert.deepEqual(labels({ in_channels: 6, scheme: "standard", mixing: "rotated" }), [], "a quarter of 3 is nothing");
  assert.deepEqual(waysOf({ size: 16, scheme: "custom", sizes: [[16, 48], [48, 16]] }, { code: "too_much_work" }),
    [["32 channels", { in_channels: 32, sizes: [[8, 24], [24, 8]] }]]);
  assert.deepEqual(labels({ scheme: "custom", sizes: [[1, 1], [63, 63]] }), []);
});

test("a way that changes nothing is none", () => {
  assert.deepEqual(waysOf({ modules: 8, stage: 8, downsample: "max" }, { field: "stage" }), [["Halve nothing", { downsample: "none" }]]);
  assert.deepEqual(waysOf({ downsample: "none", stage: 4 }, { field: "stage" }), [["Stage of 8", { stage: 8 }]]);
  assert.deepEqual(waysOf({ normalisation: "none", gain: "fan-in" }, { field: "normalisation" }), []);
  assert.deepEqual(waysOf({ gain: "fan-in" }, { field: "gain" }), []);
  assert.deepEqual(waysOf({ kernel_size: [5, 3] }, { field: "kernel_size" }), []);
  assert.deepEqual(waysOf({ kernel_size: [4, 3] }, { field: "kernel_size" }).map(([label]) => label), ["Use 3 × 3", "Use 5 × 3"]);
  assert.deepEqual(waysOf({}, { field: "in_channels" }), []);
  assert.deepEqual(waysOf({ mixing: "rotated" }, { field: "in_channels" }), [["No mixing", { mixing: "none" }]]);
});
