/** Maps by group where splits are rotated and maps sorted; what the notes say of a difference. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { rangesBeside } from "../../static/js/draw/maps.js";
import { partsOf, runsText, sectionsOfModule, seesText, turned } from "../../static/js/model/stacksections.js";
import { parseQuery, settle } from "../../static/js/model/stackstate.js";
import { differenceNote } from "../../static/js/panels/stack/mapnotes.js";

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

test("a difference is called what it is", () => {
  const exact = stack({ compare: true, scheme: "standard", b_scheme: "uniform", b_groups: 2, gain: "cut", point: "sum", module: 1 });
  assert.match(differenceNote(exact, 0), /exactly what the connections that B cuts would have added/);
  for (const [patch, why] of /** @type {const} */ ([
    [{ module: 2 }, /deeper in the stack/], [{ point: "output" }, /after ReLU/], [{ gain: "fan-in" }, /gain fan-in/],
    [{ normalisation: "conv" }, /normalisation rescales/], [{ scheme: "uniform", groups: 4 }, /B has connections that A lacks/],
  ])) {
    assert.match(differenceNote(settle(exact, patch), 0), why);
  }
  assert.match(differenceNote(settle(exact, { module: 0 }), 8), /same for both/);
  assert.match(differenceNote(settle(exact, { scheme: "logarithmic", groups: 3, b_scheme: "logarithmic", b_groups: 2 }), 4), /1 group is equal in both.*4 of 8 difference maps are exactly 0/s);
});
