/** Maps by group where splits are rotated and maps sorted; what the notes say of a difference. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { rangesBeside } from "../../static/js/draw/maps.js";
import { groupOf, groupsAt, partsOf, runsText, sectionsOfModule, seesText, turned } from "../../static/js/model/stacksections.js";
import { parseQuery, settle } from "../../static/js/model/stackstate.js";
import { differenceNote, pointText } from "../../static/js/panels/stack/mapnotes.js";
import { rowsOf } from "../../static/js/panels/mapstats.js";

const start = parseQuery("", {}).state;
/** @param {Partial<import("../../static/js/model/stackstate.js").StackState>} patch */
const stack = (patch) => settle(start, { in_channels: 8, scheme: "uniform", groups: 2, modules: 2, ...patch });

/** @param {number} channel @param {number} mean */
const tile = (channel, mean = channel) => ({
  channel, width: 1, height: 1, data: new Uint8Array([255]), scale: mean / 255, offset: 0,
  full: /** @type {[number, number]} */ ([1, 1]), stats: { min: mean, max: mean, mean, std: 0, zeros: 0 },
});
const tiles = Array.from({ length: 8 }, (_, channel) => tile(channel));
const channelsOf = (/** @type {any[]} */ sections) => sections.map((section) => section.tiles.map((/** @type {any} */ t) => t.channel));

test("a rotated group wraps round", () => {
  const state = stack({ mixing: "rotated", module: 2 });
  assert.deepEqual(channelsOf(sectionsOfModule(state, "a", tiles)), [[2, 3, 4, 5], [6, 7, 0, 1]]);
  assert.equal(seesText(state, "a", 2, 1), "inputs 6–7, 0–1");
  assert.equal(seesText(stack({ mixing: "rotated", scheme: "standard" }), "a", 2, 0), "inputs 0–7");
  assert.deepEqual(channelsOf(sectionsOfModule({ ...state, module: 0 }, "a", tiles)), [[0, 1, 2, 3], [4, 5, 6, 7]]);
});

test("the stem's maps stand with the group that reads them, unmoved", () => {
  const state = stack({ scheme: "custom", sizes: [[6, 2], [2, 6]], mixing: "rotated", module: 0 });
  const sections = sectionsOfModule(state, "a", tiles);
  assert.deepEqual(channelsOf(sections), [[0, 1, 2, 3, 4, 5], [6, 7]]);
  assert.deepEqual(sections.map(({ name, short, sees }) => [name, short, sees]), [
    ["read by group 1", "g1", "red, green and blue"], ["read by group 2", "g2", "red, green and blue"],
  ]);
  assert.equal(rowsOf(sections[0], { energy: false, groups: true })[0].name, "all that group 1 reads");
  assert.deepEqual(channelsOf(sectionsOfModule({ ...state, module: 1 }, "a", tiles)), [[0, 1], [2, 3, 4, 5, 6, 7]]);
});

test("a channel belongs to the group that writes it, one of the stem to the group that reads it", () => {
  const state = stack({ scheme: "custom", sizes: [[6, 2], [2, 6]], mixing: "rotated" });
  assert.deepEqual([0, 1, 2].map((module) => [...groupsAt(state, "a", module)].join("")), ["00000011", "00111111", "11001111"]);
  for (const module of [0, 1, 2]) {
    assert.deepEqual(Array.from({ length: 8 }, (_, c) => groupOf(state, "a", module, c)), [...groupsAt(state, "a", module)]);
  }
});

test("the strongest of each group stands first", () => {
  assert.deepEqual(channelsOf(sectionsOfModule(stack({ order: "energy" }), "a", tiles)), [[3, 2, 1, 0], [7, 6, 5, 4]]);
});

test("runs of channels as text", () => {
  assert.equal(runsText([6, 7, 0, 1, 5]), "6–7, 0–1, 5");
  assert.deepEqual(turned(6, 3, 1, 8), [7, 0, 1]);
});

test("parts of the drawing cover every channel once, in the colour of their group", () => {
  const parts = partsOf([{ index: 0, in_start: 0, in_channels: 5, out_start: 0, out_channels: 3 },
    { index: 1, in_start: 5, in_channels: 3, out_start: 3, out_channels: 5 }], "out", 2, 8);
  assert.deepEqual(parts, [{ index: 0, from: 2, to: 5 }, { index: 1, from: 5, to: 8 }, { index: 1, from: 0, to: 2 }]);
});

test("two runs share the range of a map, of a group, of all", () => {
  const sections = sectionsOfModule(stack({}), "a", tiles);
  const runs = [tiles, tiles.map(({ channel }) => tile(channel, 2 * channel))];
  assert.deepEqual(rangesBeside(sections, runs, "map", false)[0], [[0, 0], [0, 2], [0, 4], [0, 6]]);
  assert.deepEqual(rangesBeside(sections, runs, "group", false), [[0, 6], [0, 14]]);
  assert.deepEqual(rangesBeside(sections, runs, "shared", true), [[-14, 14], [-14, 14]]);
});

const exact = stack({ compare: true, scheme: "standard", b_scheme: "uniform", b_groups: 2, gain: "cut", point: "sum", module: 1 });
const EXACTLY = "A − B is exactly what the connections that B cuts would have added, up to float32 rounding.";

/** @typedef {Partial<import("../../static/js/model/stackstate.js").StackState>} Patch */

test("a difference is exactly the cut connections' share where all in between is linear", () => {
  for (const patch of /** @type {Patch[]} */ ([
    {}, { point: "conv" }, { point: "conv", normalisation: "sum" }, { point: "output", relu: false }, { scheme: "uniform", groups: 2, b_groups: 4 },
    { module: 2, point: "input", relu: false, mixing: "pointwise", downsample: "average", stage: 1 },
  ])) {
    assert.equal(differenceNote(settle(exact, patch), 0), EXACTLY, JSON.stringify(patch));
  }
});

test("a difference that is more says why", () => {
  for (const [patch, why] of /** @type {[Patch, RegExp][]} */ ([
    [{ module: 2 }, /: deeper in the stack/], [{ module: 2, point: "conv" }, /: deeper in the stack/],
    [{ point: "output" }, /: after ReLU/], [{ module: 2, point: "input" }, /: after ReLU/],
    [{ normalisation: "conv" }, /: the normalisation rescales/], [{ normalisation: "conv", point: "conv" }, /: the normalisation rescales/],
    [{ normalisation: "sum" }, /: the normalisation rescales/], [{ normalisation: "sum", point: "output", relu: false }, /: the normalisation rescales/],
    [{ gain: "fan-in" }, /: gain fan-in scales/], [{ scheme: "uniform", groups: 4 }, /: B has connections that A lacks/],
    [{ scheme: "uniform", groups: 4, gain: "fan-in" }, /: B has connections that A lacks/],
    [{ module: 2, point: "input", relu: false, mixing: "shuffle" }, /: each side deals its channels by its own groups/],
    [{ module: 2, point: "input", relu: false, downsample: "max", stage: 1 }, /: the largest of four values does not simply add/],
  ])) {
    assert.match(differenceNote(settle(exact, patch), 0), why, JSON.stringify(patch));
  }
  assert.match(differenceNote(settle(exact, { scheme: "logarithmic", groups: 3, b_scheme: "logarithmic", b_groups: 2 }), 4), /1 group is equal in both.*4 of 8 difference maps are exactly 0/s);
});

test("what cannot differ is said not to", () => {
  assert.match(differenceNote(settle(exact, { module: 0 }), 8), /^The stem is the same for both: the difference is 0\.$/);
  assert.match(differenceNote(settle(exact, { point: "input" }), 8), /^What enters module 1 is the stem, the same for both/);
  const same = /** @type {Patch} */ ({ scheme: "logarithmic", groups: 2, b_scheme: "custom", b_sizes: [[4, 4], [4, 4]], module: 2, point: "output" });
  assert.match(differenceNote(settle(exact, same), 8), /^A and B are the same split: the difference is 0\.$/);
});

test("what is shown is called what a normalisation made of it", () => {
  assert.equal(pointText(stack({ point: "conv" })), "the convolution’s answer");
  assert.equal(pointText(stack({ point: "conv", normalisation: "conv" })), "the convolution’s answer, normalised");
  assert.equal(pointText(stack({ point: "sum", normalisation: "conv" })), "the sum, before ReLU");
  assert.equal(pointText(stack({ point: "sum", normalisation: "sum", relu: false })), "the sum, normalised");
});
