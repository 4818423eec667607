import assert from "node:assert/strict";
import { test } from "node:test";

import { counted, fixed, inputsOf, number, pair, ratio, si, siParts, span } from "../../static/js/model/format.js";

const spaced = (/** @type {string} */ text) => text.replaceAll(" ", "\u202f");

test("thousands part at narrow no-break spaces", () => {
  assert.equal(number(0), "0");
  assert.equal(number(999), "999");
  assert.equal(number(1234567), spaced("1 234 567"));
  assert.equal(number(9007199254740991), spaced("9 007 199 254 740 991"));
  assert.equal(number(1234.5), spaced("1 234.5"));
});

test("ratios keep three significant figures", () => {
  assert.deepEqual([1, 0.34488, 0.34375, 0.9999, 12.345].map(ratio), ["1×", "0.345×", "0.344×", "1.00×", "12.3×"]);
  assert.deepEqual([0.0172, 0.00195, 0.0001, 99.96].map(ratio), ["0.0172×", "0.00195×", "0.000100×", "100×"]);
  assert.equal(ratio(0.00217), "0.00217×");
  assert.equal(ratio(279251963.4), spaced("279 251 963×"));
});

test("SI prefixes with four figures", () => {
  assert.deepEqual(siParts(9999), [number(9999), ""]);
  assert.deepEqual(siParts(635830272), ["635.8", "M"]);
  assert.deepEqual(siParts(999999), ["1.000", "M"]);
  assert.deepEqual(siParts(999949), ["999.9", "k"]);
  assert.equal(si(1.0312e13), spaced("10.31 T"));
  assert.equal(si(12), "12");
});

test("rounding is half up, ranges and pairs are short", () => {
  assert.equal(fixed(49.4025, 2), "49.40");
  assert.equal(fixed(0.125, 2), "0.13");
  assert.equal(span(0, 32), "0–31");
  assert.equal(span(7, 1), "7");
  assert.equal(span(1023, 1), number(1023));
  assert.equal(inputsOf({ in_start: 0, in_channels: 32 }), "inputs 0–31");
  assert.equal(inputsOf({ in_start: 7, in_channels: 1 }), "input 7");
  assert.deepEqual([counted(1, "channel"), counted(64, "channel")], ["1 channel", "64 channels"]);
  assert.equal(pair([3, 3]), "3");
  assert.equal(pair([3, 2]), "3,2");
});
