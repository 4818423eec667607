import assert from "node:assert/strict";
import { test } from "node:test";

import { counted, fixed, float32Text, inputsOf, number, pair, ratio, si, siParts, span, typeset } from "../../static/js/model/format.js";

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

test("float32 is written with the fewest digits that give it back", () => {
  const cases = /** @type {const} */ ([
    [0.1, "0.1"], [1 / 3, "0.33333334"], [16777216, "16777216"], [16777218, "16777218"], [1e-45, "1e-45"],
    [3.4028234663852886e38, "3.4028235e+38"], [-0.043838482350111, "-0.043838482"], [4.3914408683776855, "4.391441"], [0, "0"],
  ]);
  for (const [value, text] of cases) assert.equal(float32Text(Math.fround(value)), text);
  const view = new DataView(new ArrayBuffer(4));
  for (let bits = 1; bits < 2 ** 32; bits += 2_345_677) {
    view.setUint32(0, bits);
    const value = view.getFloat32(0);
    if (Number.isFinite(value)) assert.equal(Math.fround(Number(float32Text(value))), value);
  }
  assert.equal(float32Text(Infinity), "Infinity");
  assert.equal(typeset(float32Text(Math.fround(-1e-7))), "−1e−7");
});
