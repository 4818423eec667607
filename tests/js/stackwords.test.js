/** What the stack page calls things: a sheet's lines, the notes of two sides. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseQuery, settle } from "../../static/js/model/stackstate.js";
import { notesBeside, pictureLines } from "../../static/js/model/stackwords.js";

/** @param {Partial<import("../../static/js/model/stackstate.js").StackState>} patch */
const linesOf = (patch) => pictureLines(settle(parseQuery("", {}).state, patch));

test("a sheet says all that its maps depend on", () => {
  assert.deepEqual(linesOf({ module: 3 }), [
    "8 modules of 64 channels, 3 × 3, logarithmic n\u202f=\u202f4, base 2",
    "residual · ReLU · no normalisation · no mixing",
    "module 3, output · size 112 · one scale for each map · grey",
    "weights filter-bank, seed 0, gain fan-in, untrained",
  ]);
  const all = linesOf({
    module: 0, compare: true, scaling: "group", scheme: "custom", sizes: [[16, 48], [48, 16]], b_scheme: "depthwise", bias: false, dilation: [2, 1],
    relu: false, residual: false, normalisation: "sum", mixing: "rotated", downsample: "max", stage: 3, gain: "cut", weights: "random", seed: 7, colours: "viridis",
  });
  assert.deepEqual(all, [
    "8 modules of 64 channels, 3 × 3, dilation 2 × 1, no bias, A: custom n\u202f=\u202f2 (16 × 48, 48 × 16); B: depthwise",
    "no residual · no ReLU · normalisation of the sum · split rotated in every second module · 2 × 2 max pooling after every 3 modules",
    "stem · size 112 · one scale for each group · viridis, A − B diverging",
    "weights random, seed 7, gain cut, untrained",
  ]);
});

test("notes stand once, and with their side where the two differ", () => {
  assert.deepEqual(notesBeside(["x", "y"], null), ["x", "y"]);
  assert.deepEqual(notesBeside(["x", "y"], ["z", "y"]), ["y", "A: x", "B: z"]);
});
