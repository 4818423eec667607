/** Where tiles stand on a canvas and which grey a value has, against the rule written at the head of draw/maps.js. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange, fillMaps, rangeOf, sharedRange, tileSide, zoomOf } from "../../static/js/draw/maps.js";

/**
 * @param {number[][]} rows
 * @param {number} scale
 * @param {number} offset
 */
function tileOf(rows, scale = 1, offset = 0, Type = Uint8Array) {
  const [width, height] = [rows[0].length, rows.length];
  const full = /** @type {[number, number]} */ ([height, width]);
  const stats = { min: 0, max: 0, mean: 0, std: 0, zeros: 0 };
  return { channel: 0, width, height, full, data: Type.from(rows.flat()), scale, offset, stats };
}

/** @param {number} grey */
const pixel = (grey) => 0xff000000 + grey * 0x010101;

test("tiles stand row by row with transparent gaps, whatever was on the buffer before", () => {
  const tiles = [tileOf([[0, 255]]), tileOf([[255, 0]]), tileOf([[0, 0]])];
  const layout = arrange(3, tiles[0], 1, 5);
  assert.deepEqual(layout, { columns: 2, rows: 2, width: 5, height: 3, gap: 1, zoom: 1 });
  const pixels = new Uint32Array(16).fill(7);
  fillMaps(pixels, tiles, layout, null);
  const [black, white] = [pixel(0), pixel(255)];
  assert.deepEqual([...pixels], [black, white, 0, white, black, 0, 0, 0, 0, 0, black, black, 0, 0, 0, 7]);
});

test("each map of its own range spans black to white; a constant map is black", () => {
  assert.deepEqual(rangeOf(tileOf([[3]], 0.5, -2)), [-2, 125.5]);
  const pixels = new Uint32Array(256);
  fillMaps(pixels, [tileOf([Array.from({ length: 256 }, (_, q) => q)], 0.037, -4.2)], { columns: 1, rows: 1, width: 256, height: 1, gap: 0, zoom: 1 }, null);
  assert.deepEqual([...pixels], Array.from({ length: 256 }, (_, q) => pixel(q)));
  fillMaps(pixels, [tileOf([[0, 0]], 0, 5)], { columns: 1, rows: 1, width: 2, height: 1, gap: 0, zoom: 1 }, null);
  assert.deepEqual([...pixels.subarray(0, 2)], [pixel(0), pixel(0)]);
});

test("a shared range keeps maps comparable", () => {
  const [strong, weak] = [tileOf([[0, 255]], 4 / 255), tileOf([[0, 255]], 1 / 255)];
  const range = sharedRange([strong, weak]);
  assert.deepEqual(range, [0, 4]);
  const pixels = new Uint32Array(5);
  fillMaps(pixels, [strong, weak], arrange(2, strong, 1, 100), range);
  assert.deepEqual([...pixels], [pixel(0), pixel(255), 0, pixel(0), pixel(64)]);
});

test("float tiles are greyed by the same rule, clamped outside the range", () => {
  const tile = tileOf([[-1, 0, 0.5, 1, 9]], 1, 0, /** @type {any} */ (Float32Array));
  assert.deepEqual(rangeOf(tile), [-1, 9]);
  const pixels = new Uint32Array(5);
  fillMaps(pixels, [tile], arrange(1, tile, 1, 100), [0, 1]);
  assert.deepEqual([...pixels], [0, 0, 128, 255, 255].map(pixel));
});

test("rows are as few as fit and evenly filled", () => {
  const tile = { width: 56, height: 56 };
  assert.deepEqual(arrange(32, tile, 1, 1000), { columns: 16, rows: 2, width: 911, height: 113, gap: 1, zoom: 1 });
  assert.equal(arrange(50, tile, 1, 1000).columns, 17);
  assert.equal(arrange(8, tile, 1, 10).columns, 1);
});

test("gaps are at most 2 CSS pixels wide at any zoom", () => {
  for (const zoom of [0.5, 1, 2, 3, 28]) {
    const { gap } = arrange(4, { width: 8, height: 8 }, zoom, 500);
    assert.ok(gap * zoom <= 2, `zoom ${zoom}`);
    assert.ok(gap > 0 || zoom > 2, `zoom ${zoom}`);
  }
});

test("few maps are shown larger, dense screens get more values, tiny maps whole factors", () => {
  assert.deepEqual([1, 4, 5, 16, 17, 512, 513].map((count) => tileSide(count, 1)), [224, 224, 128, 128, 64, 64, 32]);
  assert.deepEqual([4, 64, 128, 129].map((count) => tileSide(count, 2)), [448, 128, 128, 64]);
  assert.deepEqual([64, 56, 32, 20, 1].map((side) => zoomOf(64, side)), [1, 1, 2, 3, 64]);
  assert.equal(zoomOf(64, 112), 0.5);
});

test("wide windows get larger maps, sixteen in a row, and a narrowed one keeps those it has", () => {
  assert.deepEqual([1440, 1640, 2240].map((room) => tileSide(64, 1, room)), [64, 80, 112]);
  assert.deepEqual([4, 16, 200].map((count) => tileSide(count, 1, 1920)), [224, 128, 64]);
  assert.equal(tileSide(64, 2, 1920), 128);
  assert.deepEqual([[75, 1920], [75, 1440], [112, 2240], [112, 1920]].map(([side, room]) => zoomOf(64, side, room)), [1, 1, 1, 0.5]);
});
