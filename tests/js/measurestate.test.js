/** The measuring page's state: legal whatever is asked for, and the same through its link; times and factors in words. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { canonical, layerQuery, parseQuery, settle } from "../../static/js/model/measurestate.js";
import { duration, factor, figures, time } from "../../static/js/model/measurewords.js";

const start = parseQuery("", {}).state;
/** @param {Partial<import("../../static/js/model/measurestate.js").MeasureState>} patch */
const after = (patch) => settle(start, patch);

test("a link opens what it was made of", () => {
  const state = after({
    in_channels: 12, out_channels: 24, scheme: "custom", sizes: [[4, 8], [8, 16]], kernel_size: [3, 1], batch: 8, dtype: "bfloat16",
    memory_format: "channels_last", backward: true, rounds: 31, height: 28, width: 14,
  });
  assert.deepEqual(parseQuery(canonical(state), {}), { state, errors: [] });
  assert.ok(!layerQuery(state).includes("batch"));
});

test("the layer page's own link opens the same layer", () => {
  const { state, errors } = parseQuery("?in_channels=48&out_channels=96&scheme=uniform&groups=6&kernel_size=5,5&height=224&width=224", {});
  assert.deepEqual([state.in_channels, state.out_channels, state.groups, state.kernel_size, state.height], [48, 96, 6, [5, 5], 224]);
  assert.deepEqual(errors, []);
});

test("groups and custom sizes follow the channels, each side its own", () => {
  assert.equal(after({ scheme: "uniform", groups: 7 }).groups, 8);
  assert.deepEqual(settle(after({ scheme: "custom", sizes: [[40, 32], [24, 32]] }), { out_channels: 48 }).sizes, [[40, 32], [24, 16]]);
  assert.deepEqual(settle(after({ scheme: "logarithmic", groups: 7 }), { in_channels: 8 }).groups, 4);
});

test("a scheme the channels do not allow stays, for the server to say why", () => {
  const state = settle(after({ out_channels: 96 }), { scheme: "depthwise" });
  assert.deepEqual([state.scheme, state.groups], ["depthwise", 4]);
});

test("what a link gets wrong is replaced and said", () => {
  const { state, errors } = parseQuery("?dtype=int8&batch=0&scheme=uniform&groups=5&rounds=4", {});
  assert.deepEqual([state.dtype, state.batch, state.groups, state.rounds], ["float32", 1, 4, 15]);
  assert.deepEqual(errors.map(({ field }) => field).toSorted(), ["batch", "dtype", "groups", "rounds"]);
});

test("times keep three figures and the unit that fits", () => {
  assert.deepEqual([2.104, 0.00123, 4.56e-5, 9.87e-7, 12.34, 1234].map(time), ["2.10\u202fs", "1.23\u202fms", "45.6\u202fµs", "0.987\u202fµs", "12.3\u202fs", "1\u202f234\u202fs"]);
  assert.deepEqual([0, 0.01234, 9.999, 123456].map(figures), ["0", "0.0123", "10.0", "123\u202f456"]);
  assert.equal(factor(2.909), "×2.91");
  assert.deepEqual([0.4, 8.2, 130, 120].map(duration), ["about a second", "8\u202fs", "2\u202fmin 10\u202fs", "2\u202fmin"]);
});
