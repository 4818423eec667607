/** Maps standing together: which channels a section has, where they stand, and what is said of them. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { rangesOf } from "../../static/js/draw/maps.js";
import { captionOf, placesOf, scatteredChannels, sectionOf, sectionsOf } from "../../static/js/model/sections.js";
import { energyOf, pooledStats } from "../../static/js/model/tiles.js";
import { rowsOf, sentenceOf, titleOf } from "../../static/js/panels/mapstats.js";

/**
 * A float map of one row; its statistics are those of the row.
 * @param {number} channel
 * @param {number[]} row
 */
function tileOf(channel, row = [0]) {
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
  const std = Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length);
  const stats = { min: Math.min(...row), max: Math.max(...row), mean, std, zeros: row.filter((x) => x === 0).length / row.length };
  const full = /** @type {[number, number]} */ ([1, row.length]);
  return { channel, width: row.length, height: 1, data: Float32Array.from(row), scale: 1, offset: 0, full, stats };
}

const section = (/** @type {number[]} */ channels, index = 0) => ({
  index, name: `group ${index + 1}`, short: `g${index + 1}`, sees: "inputs 60–63, 0–11", tiles: channels.map((channel) => tileOf(channel)),
});

test("groups become sections of their own channels", () => {
  const groups = [
    { index: 0, in_start: 0, in_channels: 2, out_start: 0, out_channels: 3 },
    { index: 1, in_start: 2, in_channels: 1, out_start: 3, out_channels: 1 },
  ];
  const sections = sectionsOf(groups, [0, 1, 2, 3].map((channel) => tileOf(channel)));
  assert.deepEqual(sections.map(({ tiles, ...label }) => [label, tiles.map(({ channel }) => channel)]), [
    [{ index: 0, name: "group 1", short: "g1", sees: "inputs 0–1" }, [0, 1, 2]],
    [{ index: 1, name: "group 2", short: "g2", sees: "input 2" }, [3]],
  ]);
});

test("places follow the order of display, through sections of any channels in any order", () => {
  const sections = [section([7, 0, 1]), section([5, 3], 1)];
  const places = placesOf(sections);
  assert.deepEqual(places.channels, [7, 0, 1, 5, 3]);
  assert.deepEqual([7, 3, 2].map(places.placeOf), [0, 4, undefined]);
  assert.deepEqual([0, 2, 3, 4].map(places.at), [[0, 0], [0, 2], [1, 0], [1, 1]]);
  assert.equal(sectionOf(sections, 3), sections[1]);
  assert.equal(sectionOf(sections, 2), undefined);
});

test("channels in a row need no list", () => {
  assert.equal(scatteredChannels(section([4, 5, 6]).tiles), null);
  assert.deepEqual(scatteredChannels(section([6, 7, 0]).tiles), [6, 7, 0]);
});

test("captions say what there is room for", () => {
  const group = section([6, 7, 0], 2);
  assert.equal(captionOf(group, Infinity), "group 3 · 3 channels · sees inputs 60–63, 0–11");
  assert.equal(captionOf(group, 8 * 40), "group 3 · sees inputs 60–63, 0–11");
  assert.equal(captionOf(group, 8 * 8), "group 3");
  assert.equal(captionOf(group, 8), "g3");
  assert.equal(captionOf(group, 8 * 8, 100), "g3");
  assert.equal(captionOf({ ...group, short: undefined }, 8), "group 3");
  assert.equal(captionOf(section([9], 2), Infinity), "map 9 · group 3 · sees inputs 60–63, 0–11");
  assert.equal(captionOf(section([9], 2), 8), "9");
});

test("ranges are a map's own, its section's, or everyone's", () => {
  const sections = [{ tiles: [tileOf(0, [0, 2]), tileOf(1, [-1, 1])] }, { tiles: [tileOf(2, [0, 5])] }];
  assert.deepEqual(rangesOf(sections, "map"), [null, null]);
  assert.deepEqual(rangesOf(sections, "group"), [[-1, 2], [0, 5]]);
  assert.deepEqual(rangesOf(sections, "shared"), [[-1, 5], [-1, 5]]);
});

test("statistics of several maps are those of all their values", () => {
  const rows = [[0, 0, 3, -1], [10, 11, 9, 0], [0, 0, 0, 0]];
  const { stats } = tileOf(0, rows.flat());
  const pooled = pooledStats(rows.map((row, channel) => tileOf(channel, row)));
  for (const [name, value] of Object.entries(stats)) {
    assert.ok(Math.abs(pooled[/** @type {keyof typeof pooled} */ (name)] - value) < 1e-12, name);
  }
  const squares = rows.flat().reduce((sum, x) => sum + x * x, 0) / 12;
  assert.ok(Math.abs(energyOf({ stats: pooled }) - squares) < 1e-12);
});

test("the table has a row per map, and above them one for all where it is asked for", () => {
  const shown = { ...section([], 1), tiles: [tileOf(8, [2, 4]), tileOf(3, [0, 0])] };
  const cells = ["2", "inputs 60–63, 0–11"];
  const maps = [
    { kind: "map", name: "8", cells: [...cells, "2.000", "4.000", "3.000", "1.000", "0.0\u202f%"] },
    { kind: "map", name: "3 (dead)", cells: [...cells, "0.000", "0.000", "0.000", "0.000", "100.0\u202f%"] },
  ];
  assert.deepEqual(rowsOf(shown, { energy: false, groups: false }), maps);
  assert.deepEqual(rowsOf(shown, { energy: true, groups: true }), [
    { kind: "group", name: "all of group 2", cells: [...cells, "0.000", "4.000", "1.500", "1.658", "50.0\u202f%", "5.000"] },
    { ...maps[0], cells: [...maps[0].cells, "10.000"] },
    { ...maps[1], cells: [...maps[1].cells, "0.000"] },
  ]);
});

test("a map is named by its channel and its group", () => {
  assert.equal(titleOf(section([]), 7), "Map 7 · group 1 · sees inputs 60–63, 0–11");
  assert.match(sentenceOf(section([]), tileOf(7, [0, 0])), /^Map 7 · group 1 · sees .*: min 0\.000.*, dead: every value is zero$/);
});
