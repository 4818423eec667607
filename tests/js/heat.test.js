/** Matrices as pictures: which pixel has which cell's colour, however rows and columns are ordered. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { colourTable } from "../../static/js/draw/colours.js";
import { enlargeHeat, fillHeat, layoutHeat } from "../../static/js/draw/heat.js";

const table = colourTable("viridis");
const LINE = 0xff808080;

/** @param {object} [more] */
const heatOf = (more) => /** @type {import("../../static/js/draw/heat.js").Heat} */ ({
  rows: 2, columns: 3, values: Float32Array.of(0, 0.5, 1, 2, -1, 0.2), table, range: [0, 1], ...more,
});

/** @param {import("../../static/js/draw/heat.js").Heat} heat @param {number} count */
function filled(heat, count) {
  const pixels = new Uint32Array(count);
  fillHeat(pixels, heat);
  return [...pixels];
}

test("a cell has the colour of its level, clamped to the ends", () => {
  assert.deepEqual(filled(heatOf(), 6), [0, 128, 255, 255, 0, 51].map((level) => table[level]));
  assert.deepEqual(filled(heatOf({ range: [1, 1] }), 6), Array(6).fill(table[0]));
});

test("orders say which row and column stands where, and may leave some out", () => {
  const pixels = filled(heatOf({ rowOrder: [1, 0], columnOrder: [2, 0] }), 4);
  assert.deepEqual(pixels, [51, 255, 255, 0].map((level) => table[level]));
});

test("absent rows, absent columns and values that are none are a checker of two greys", () => {
  const [dark, light] = [0xff8c8c8c, 0xffb4b4b4];
  const values = Float32Array.of(0, 0.5, 1, 2, -1, NaN);
  const absent = { rows: new Set([0]), columns: new Set([1]) };
  assert.deepEqual(filled(heatOf({ values, absent }), 6), [dark, light, dark, table[255], dark, light]);
  const turned = filled(heatOf({ values, absent, rowOrder: [1, 0], columnOrder: [1, 2, 0] }), 6);
  assert.deepEqual(turned, [dark, light, table[255], light, dark, light]);
});

test("enlarged, a cell is a square of its colour, and a line stands before each cut", () => {
  const layout = { zoom: 3, width: 6, height: 6 };
  const pixels = new Uint32Array(36);
  enlargeHeat(pixels, Uint32Array.of(1, 2, 3, 4), layout, { rowCuts: [0, 1, 2], columnCuts: [0, 1, 2] });
  const L = LINE;
  assert.deepEqual([...pixels], [
    [1, 1, 1, L, 2, 2], [1, 1, 1, L, 2, 2], [1, 1, 1, L, 2, 2],
    [L, L, L, L, L, L], [3, 3, 3, L, 4, 4], [3, 3, 3, L, 4, 4],
  ].flat());
});

test("cells too small for a line keep their colour", () => {
  const pixels = new Uint32Array(8);
  enlargeHeat(pixels, Uint32Array.of(1, 2), { zoom: 2, width: 4, height: 2 }, { columnCuts: [1] });
  assert.deepEqual([...pixels], [1, 1, 2, 2, 1, 1, 2, 2]);
});

test("the factor is whole and fits, and past 512 channels a cell is a pixel", () => {
  assert.deepEqual(layoutHeat(64, 64, 500), { zoom: 7, width: 448, height: 448 });
  assert.deepEqual(layoutHeat(128, 64, 300), { zoom: 4, width: 256, height: 512 });
  assert.equal(layoutHeat(4, 4, 900).zoom, 16);
  assert.equal(layoutHeat(512, 512, 300).zoom, 1);
  assert.deepEqual(layoutHeat(513, 8, 2000), { zoom: 1, width: 8, height: 513 });
});
