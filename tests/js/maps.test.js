/** Where tiles stand on a canvas and which grey a value has, against the rule written at the head of draw/maps.js. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { colourTable } from "../../static/js/draw/colours.js";
import { arrange, fillMaps, rangeOf, sharedRange, signedRange, tileSide, zoomOf, zoomTo } from "../../static/js/draw/maps.js";

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

test("a table of colours takes the place of the greys, and the grey one changes nothing", () => {
  const tile = tileOf([Array.from({ length: 256 }, (_, q) => q)]);
  const layout = arrange(1, tile, 1, 256);
  const [plain, grey, coloured] = Array.from({ length: 3 }, () => new Uint32Array(256));
  fillMaps(plain, [tile], layout, null);
  fillMaps(grey, [tile], layout, null, { colours: colourTable("grey") });
  fillMaps(coloured, [tile], layout, null, { colours: colourTable("viridis") });
  assert.deepEqual(grey, plain);
  assert.deepEqual(coloured, colourTable("viridis"));
  const floats = tileOf([[0, 0.5, 1]], 1, 0, /** @type {any} */ (Float32Array));
  const pixels = new Uint32Array(3);
  fillMaps(pixels, [floats], arrange(1, floats, 1, 100), null, { colours: colourTable("viridis") });
  assert.deepEqual([...pixels], [0, 128, 255].map((level) => colourTable("viridis")[level]));
});

test("a signed range has zero in the middle, and zero is neutral however it was quantised", () => {
  const floats = (/** @type {number[]} */ ...row) => tileOf([row], 1, 0, /** @type {any} */ (Float32Array));
  assert.deepEqual(signedRange([floats(-3, 1), floats(0, 2)]), [-3, 3]);
  assert.deepEqual(signedRange([tileOf([[0, 255]], 4 / 255, -1)]), [-3, 3]);
  assert.deepEqual(signedRange([floats(0, 0)]), [-1, 1]);
  const table = colourTable("diverging");
  for (let lo = -1; lo <= 0; lo += 0.01) {
    const scale = (1 - lo) / 255;
    const tile = tileOf([[Math.round(-lo / scale), 255]], scale, lo); // the value nearest to zero, and the largest
    const pixels = new Uint32Array(2);
    fillMaps(pixels, [tile], arrange(1, tile, 1, 2), [-1, 1], { colours: table });
    assert.deepEqual([...pixels], [table[128], table[255]], `lowest ${lo}`);
  }
});

test("a dead map is crossed out where that is asked for, and no other", () => {
  const [dead, dark] = [tileOf([[0, 0, 0], [0, 0, 0], [0, 0, 0]]), tileOf([[0, 0, 0], [0, 0, 0], [0, 0, 0]])];
  dead.stats.zeros = 1;
  const layout = arrange(2, dead, 1, 100);
  const pixels = new Uint32Array(21);
  const [w, b] = [pixel(255), pixel(0)];
  fillMaps(pixels, [dead, dark], layout, [0, 1]);
  assert.deepEqual([...pixels.subarray(0, 7)], [b, b, b, 0, b, b, b]);
  fillMaps(pixels, [dead, dark], layout, [0, 1], { flagDead: true });
  assert.deepEqual([...pixels], [[w, b, w, 0, b, b, b], [b, w, b, 0, b, b, b], [w, b, w, 0, b, b, b]].flat());
  fillMaps(pixels, [dead, dark], layout, [-1, 0], { flagDead: true });
  assert.deepEqual([...pixels.subarray(0, 4)], [b, w, b, 0]);
});

test("a cross fits its tile: oblong, a single pixel, shown at half its size", () => {
  const dead = (/** @type {number[][]} */ rows) => Object.assign(tileOf(rows), { stats: { min: 0, max: 0, mean: 0, std: 0, zeros: 1 } });
  const marks = (/** @type {number[][]} */ rows, zoom = 1) => {
    const tile = dead(rows);
    const pixels = new Uint32Array(rows.flat().length);
    fillMaps(pixels, [tile], { columns: 1, rows: 1, width: tile.width, height: tile.height, gap: 0, zoom }, [0, 1], { flagDead: true });
    return [...pixels].map((p) => Number(p === pixel(255))).join("");
  };
  assert.equal(marks([[0]]), "1");
  assert.equal(marks([[0, 0, 0, 0, 0]]), "11111");
  assert.equal(marks([[0, 0], [0, 0], [0, 0], [0, 0]]), "11111111");
  assert.equal(marks([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]), "1001011001101001");
  assert.equal(marks(Array.from({ length: 6 }, () => Array(6).fill(0)), 0.5), "110011011110001100011110110011100001");
});

test("where the page says how large tiles are, the zoom is a whole factor, or a half", () => {
  assert.deepEqual([[64, 32], [40, 32], [32, 32], [32, 64], [20, 64]].map(([shown, side]) => zoomTo(shown, side)), [2, 1, 1, 0.5, 0.5]);
});
