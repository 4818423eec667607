/** Which channels a change asks for, and what is kept of the answers. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { splitChannels } from "../../static/js/model/grouping.js";
import { createTileCache, isDead, missingRange, readTiles, tileKeys } from "../../static/js/model/tiles.js";
import { bodyOf } from "./bodies.js";
import { stateOf } from "./states.js";

/** @param {Partial<import("../../static/js/core/store.js").State>} patch */
function keysOf(patch, side = 64) {
  const state = stateOf(patch);
  return tileKeys(state, splitChannels(state).groups, side);
}

/**
 * What is missing for `after` once `before` is on screen.
 * @param {object} before
 * @param {object} after
 */
const missing = (before, after) => missingRange(keysOf(after), new Set(keysOf(before)));

/** @param {number} channel @param {number} bytes */
const tileOf = (channel, bytes) => ({
  channel, width: bytes, height: 1, data: new Uint8Array(bytes), scale: 1, offset: 0,
  full: /** @type {[number, number]} */ ([1, bytes]), stats: { min: 0, max: 0, mean: 0, std: 0, zeros: 1 },
});

test("one more logarithmic group asks for the last group only", () => {
  assert.deepEqual(missing({ groups: 4 }, { groups: 5 }), [56, 64]);
  assert.deepEqual(missing({ groups: 5 }, { groups: 4 }), [56, 64]);
  assert.deepEqual(missing({ groups: 1 }, { groups: 2 }), [0, 64]);
});

test("one more output channel of a standard layer asks for that channel only", () => {
  assert.deepEqual(missing({ scheme: "standard", groups: 1 }, { scheme: "standard", groups: 1, out_channels: 65 }), [64, 65]);
});

test("a channel that sees as many inputs, but others, is another map", () => {
  const [a, b] = [[[8, 8], [16, 8], [40, 48]], [[16, 8], [16, 8], [32, 48]]].map((sizes) =>
    keysOf({ scheme: "custom", groups: 3, sizes: /** @type {[number, number][]} */ (sizes) }),
  );
  assert.notEqual(a[8], b[8]);
});

test("the same split under another name asks for nothing", () => {
  const sizes = /** @type {[number, number][]} */ ([[32, 32], [16, 16], [8, 8], [8, 8]]);
  assert.equal(missing({ groups: 4 }, { scheme: "custom", sizes, groups: 4 }), null);
});

test("what is only about the view asks for nothing", () => {
  assert.equal(missing({}, { scaling: "shared", unit: "flops", depth: 3, log: false, metric: "params" }), null);
});

test("everything a map's pixels depend on asks for all of them", () => {
  const changes = [
    { image: "b".repeat(64) }, { size: 225 }, { in_channels: 63 }, { kernel_size: [3, 1] }, { stride: [1, 2] }, { padding: [0, 1] },
    { dilation: [2, 1] }, { bias: false }, { weights: "random" }, { seed: 1 }, { gain: "fan-in" }, { relu: false },
  ];
  for (const change of changes) assert.deepEqual(missing({}, change), [0, 64], JSON.stringify(change));
  assert.deepEqual(missingRange(keysOf({}, 128), new Set(keysOf({}, 64))), [0, 64]);
});

test("the missing run covers every hole and nothing beyond", () => {
  assert.deepEqual(missingRange(["a", "b", "c", "d", "e"], new Set(["a", "c", "e"])), [1, 4]);
  assert.equal(missingRange(["a"], new Set(["a"])), null);
});

test("the cache stays within its bytes and drops what was used longest ago", () => {
  const cache = createTileCache(30);
  for (const key of ["a", "b", "c"]) cache.put(key, tileOf(0, 10));
  assert.equal(cache.getAll(["a"])?.length, 1);
  cache.put("d", tileOf(0, 10));
  assert.deepEqual(["a", "b", "c", "d"].map(cache.has), [true, false, true, true]);
  assert.equal(cache.getAll(["a", "b"]), null);
});

test("putting a tile again does not count it twice, and one too large for the cache is kept alone", () => {
  const cache = createTileCache(30);
  for (let i = 0; i < 5; i++) cache.put("a", tileOf(0, 15));
  cache.put("b", tileOf(1, 15));
  assert.deepEqual(["a", "b"].map(cache.has), [true, true]);
  cache.put("c", tileOf(2, 100));
  assert.deepEqual(["a", "b", "c"].map(cache.has), [false, false, true]);
});

test("an answer becomes tiles that know their channel, scale and statistics", () => {
  const stats = { min: [0, -1], max: [0, 4], mean: [0, 1.5], std: [0, 0.5], zeros: [1, 0.25] };
  const buffer = bodyOf(
    {
      scale: { dtype: "F32", shape: [2], data: Float32Array.of(0, 0.5) },
      offset: { dtype: "F32", shape: [2], data: Float32Array.of(0, -1) },
      maps: { dtype: "U8", shape: [2, 1, 3], data: Uint8Array.of(0, 0, 0, 2, 4, 10) },
    },
    { channels: "7:9", stats: JSON.stringify(stats), shape: "[64, 4, 12]", device: "cpu", compute_dtype: "float32" },
  );
  const { tiles, source } = readTiles(buffer);
  assert.deepEqual(source, { device: "cpu", dtype: "float32" });
  assert.deepEqual(tiles[1], {
    channel: 8, width: 3, height: 1, data: Uint8Array.of(2, 4, 10), scale: 0.5, offset: -1,
    full: [4, 12], stats: { min: -1, max: 4, mean: 1.5, std: 0.5, zeros: 0.25 },
  });
  assert.deepEqual(tiles.map(isDead), [true, false]);
});
