/** Colour maps against the published tables, and against what a signed scale has to be. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { COLOUR_MAPS, colourTable, cssGradient } from "../../static/js/draw/colours.js";

/** @param {number} pixel  ABGR */
const rgb = (pixel) => [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255];

/** @param {number} value  an sRGB level */
const linear = (value) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);

/** CIE L*, a*, b* of linear RGB. @param {number[]} colour */
function lab([r, g, b]) {
  const f = (/** @type {number} */ t) => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389) / 3132 + 4 / 29);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** @param {number} pixel */
const lightness = (pixel) => lab(rgb(pixel).map(linear))[0];

/** Machado 2009, severity 1, in linear RGB. */
const VISIONS = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** CIE76 between two pixels as that eye sees them. @param {number[][]} vision @param {number} a @param {number} b */
function distance(vision, a, b) {
  const [p, q] = [a, b].map((pixel) => {
    const seen = rgb(pixel).map(linear);
    return lab(vision.map((row) => Math.max(0, row.reduce((sum, factor, i) => sum + factor * seen[i], 0))));
  });
  return Math.hypot(...p.map((value, i) => value - q[i]));
}

test("every entry of every map is opaque", () => {
  for (const name of COLOUR_MAPS) {
    const table = colourTable(name);
    assert.equal(table.length, 256);
    assert.ok(table.every((pixel) => pixel >>> 24 === 255), name);
    assert.equal(colourTable(name), table);
  }
});

test("grey is the level itself", () => {
  colourTable("grey").forEach((pixel, q) => assert.deepEqual(rgb(pixel), [q, q, q]));
});

// From matplotlib's _cm_listed.py: fractions times 255, entries that are no anchors among them.
const PUBLISHED = /** @type {const} */ ({
  viridis: {
    0: "440154", 7: "460b5e", 31: "472c7a", 64: "3b528b", 100: "2a768e", 128: "21918c", 150: "21a585", 192: "5ec962",
    224: "addc30", 240: "d8e219", 249: "efe51c", 255: "fde725",
  },
  cividis: {
    0: "00224e", 7: "002859", 31: "18376f", 64: "434e6c", 77: "50576c", 100: "656870", 128: "7d7c78", 150: "928c78",
    192: "bcae6c", 224: "dec958", 240: "f0d846", 251: "fde334", 255: "fee838",
  },
});

for (const name of /** @type {const} */ (["viridis", "cividis"])) {
  test(`${name} is within 2 levels of the published table, and gets lighter from entry to entry`, () => {
    const table = colourTable(name);
    for (const [entry, colour] of Object.entries(PUBLISHED[name])) {
      const expected = [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16));
      const off = rgb(table[Number(entry)]).map((value, i) => Math.abs(value - expected[i]));
      assert.ok(Math.max(...off) <= 2, `entry ${entry} is ${rgb(table[Number(entry)])}, published ${expected}`);
    }
    for (let q = 1; q < 256; q++) assert.ok(lightness(table[q]) > lightness(table[q - 1]) - 0.3, `entry ${q}`);
  });
}

test("a signed scale is neutral in the middle, and as dark on one side as on the other", () => {
  const table = colourTable("diverging");
  for (const middle of [127, 128]) assert.equal(new Set(rgb(table[middle])).size, 1);
  for (let q = 128; q < 256; q++) {
    assert.ok(Math.abs(lightness(table[q]) - lightness(table[255 - q])) < 1, `entries ${q} and ${255 - q}`);
    if (q > 128) assert.ok(lightness(table[q]) < lightness(table[q - 1]), `entry ${q}`);
  }
  const [[blueAtLeft], [redAtRight]] = [rgb(table[0]).toReversed(), rgb(table[255])];
  assert.ok(blueAtLeft > 100 && redAtRight > 100);
});

for (const [eyes, vision] of Object.entries(VISIONS)) {
  test(`the two signs stay apart for ${eyes} vision`, () => {
    const table = colourTable("diverging");
    for (let q = 153; q < 256; q++) {
      assert.ok(distance(vision, table[q], table[255 - q]) > 20, `entries ${q} and ${255 - q}`);
    }
  });
}

test("a legend's bar has the anchors of the map", () => {
  assert.equal(cssGradient("grey"), "linear-gradient(to right, #000000 0%, #ffffff 100%)");
  assert.match(cssGradient("diverging"), /#eeeeee 49\.8%, #eeeeee 50\.2%/);
});
