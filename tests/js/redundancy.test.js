/** Redundancy and scale as the page reads them: orders, exact numbers, files, and sentences. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { groupsInOrder, largest, matrixCsv, orderAfter, readRedundancy } from "../../static/js/model/redundancy.js";
import { factorOf, scaleSentence, steadiest } from "../../static/js/model/scales.js";

/** A body of GET /api/stack/redundancy with two channels. */
function body() {
  const facts = {
    dead: [1], dead_before: [], order_before: [1, 0], rank: { layer: 1, groups: [1, null], before: 2, stem: 2, stem_most: 2 },
    samples: 9, rotation: 1, groups: [0, 1].map((i) => ({ index: i, in_start: i, in_channels: 1, out_start: i, out_channels: 1 })),
  };
  const metadata = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, JSON.stringify(value)]));
  const tensor = (/** @type {number} */ at) => ({ dtype: "F32", shape: [2, 2], data_offsets: [at, at + 16] });
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, correlation: tensor(0), covariance: tensor(16) }));
  const buffer = new ArrayBuffer(8 + header.length + 32);
  new DataView(buffer).setBigUint64(0, BigInt(header.length), true);
  new Uint8Array(buffer).set(header, 8);
  const values = Float32Array.of(1, 0, 0, 0, 0.1, -3, 2, 0);
  new Uint8Array(buffer).set(new Uint8Array(values.buffer), 8 + header.length);
  return buffer;
}

test("a body is two matrices and what is said of them", () => {
  const redundancy = readRedundancy(body());
  assert.equal(redundancy.channels, 2);
  assert.deepEqual([...redundancy.correlation], [1, 0, 0, 0]);
  assert.deepEqual([...redundancy.covariance], [Math.fround(0.1), -3, 2, 0]);
  assert.deepEqual(redundancy.rank.groups, [1, null]);
  assert.deepEqual([redundancy.dead, redundancy.samples], [[1], 9]);
  assert.deepEqual(orderAfter(redundancy), [1, 0], "the rotated split's first group begins at channel 1");
  assert.equal(largest(redundancy.covariance), 3);
});

test("groups stand at their places in the order of display, as read and as made", () => {
  const groups = [{ index: 0, in_start: 0, in_channels: 3, out_start: 0, out_channels: 1 }, { index: 1, in_start: 3, in_channels: 1, out_start: 1, out_channels: 3 }];
  const redundancy = { ...readRedundancy(body()), channels: 4, groups };
  assert.deepEqual([...groupsInOrder(redundancy, "in")], [0, 0, 0, 1]);
  assert.deepEqual([...groupsInOrder(redundancy, "out")], [0, 1, 1, 1]);
});

test("files name their channels and hold the very float32", () => {
  assert.deepEqual([...matrixCsv(Float32Array.of(1, 0.5, -2, 0.1), 2, "before\\after")], ["before\\after,0,1\r\n", "0,1,0.5\r\n", "1,-2,0.1\r\n"]);
});

/** @param {(number|null)[]} rms @param {object} [more] */
const armOf = (rms, more) => /** @type {import("../../static/js/model/scales.js").Arm} */ ({ gain: "fan-in", normalisation: "none", rms, chosen: false, ...more });

test("the steadiest arm is the one closest to 1×, up or down", () => {
  const arms = [armOf([2, 9, 8]), armOf([2, 0.5, 1], { gain: "cut" }), armOf([2, 0]), armOf([2, null]), armOf([0, 0])];
  assert.deepEqual(arms.map(factorOf), [4, 0.5, 0, null, null]);
  assert.equal(steadiest(arms), arms[1]);
  assert.equal(steadiest(arms.slice(2)), null);
});

test("the sentence is about the chosen arm and the steadiest", () => {
  const exploding = armOf([1, 2, 5], { chosen: true });
  const steady = armOf([1, 1, 0.8], { gain: "cut", normalisation: "sum" });
  assert.equal(scaleSentence([exploding, steady]), "Fan-in, no normalisation: from the stem to module 2 the scale grows to 5.00×. Closest to 1× is cut, sum normalised, with 0.800×.");
  assert.match(scaleSentence([{ ...exploding, chosen: false }, { ...steady, chosen: true }]), /shrinks to 0\.800×\. No other of the six is closer to 1×\.$/);
  assert.match(scaleSentence([armOf([1, null], { chosen: true })]), /runs out of what a float32 can hold\. No arm keeps it\.$/);
  assert.match(scaleSentence([armOf([1, 0], { chosen: true }), steady]), /dies: every map is zero\./);
});
