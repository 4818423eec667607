/** The stack page's state: legal whatever is asked for, and the same through its link. */
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  canonical, dyeQuery, filmOf, numbersQuery, parseQuery, rotationOf, settle, sideLength, sideQuery, spansOf, stackQuery,
} from "../../static/js/model/stackstate.js";

const start = parseQuery("", {}).state;
/** @param {Partial<import("../../static/js/model/stackstate.js").StackState>} patch */
const after = (patch) => settle(start, patch);

test("a link opens what it was made of", () => {
  const state = after({
    image: "a".repeat(64), in_channels: 12, scheme: "custom", sizes: [[4, 8], [8, 4]], compare: true, b_scheme: "uniform", b_groups: 3,
    kernel_size: [3, 1], film: [2, 5], module: 2, modules: 3, colours: "diverging", channel: 7, row: 3, column: 4, inspected: "b",
  });
  assert.deepEqual(parseQuery(canonical(state), {}), { state, errors: [] });
  assert.ok(!canonical(state).includes("selected"));
});

test("what a link gets wrong is replaced and said", () => {
  const { state, errors } = parseQuery("?modules=17&scheme=uniform&groups=5&film=[-1]&mixing=stir", {});
  assert.deepEqual([state.modules, state.groups, state.film, state.mixing], [8, 4, [], "none"]);
  assert.deepEqual(errors.map(({ field }) => field).toSorted(), ["film", "groups", "mixing", "modules"]);
  assert.ok(errors.every(({ message }) => message.endsWith(".")));
});

test("the server's defaults hold for what the server has", () => {
  const { state } = parseQuery("", { size: { default: 64 }, module: { default: 3, label: "Module" } });
  assert.deepEqual([state.size, state.module], [64, 1]);
});

test("groups follow the channels, on both sides", () => {
  const state = settle(after({ scheme: "uniform", groups: 8, compare: true, b_scheme: "logarithmic", b_groups: 7 }), { in_channels: 12 });
  assert.deepEqual([state.groups, state.b_groups], [6, 5]);
  assert.equal(after({ scheme: "depthwise" }).groups, 64);
});

test("a custom split starts from the one before and keeps the sum", () => {
  const custom = after({ scheme: "custom" });
  assert.deepEqual(custom.sizes, [[32, 32], [16, 16], [8, 8], [8, 8]]);
  const wider = settle(custom, { in_channels: 70 });
  assert.deepEqual(wider.sizes.at(-1), [14, 14]);
  const narrow = settle(custom, { in_channels: 40 });
  assert.deepEqual(narrow.sizes.map(([a]) => a).reduce((x, y) => x + y), 40);
  assert.deepEqual(settle(custom, { in_channels: 2 }).sizes, [[2, 2]]);
  assert.deepEqual(settle(custom, { scheme: "standard" }).sizes, []);
});

test("places stay within what there is", () => {
  const deep = after({ module: 8, channel: 60, row: 111, column: 111, dye_channel: 63, dye_row: 100, dye_size: 12, film: [0, 63] });
  const state = settle(deep, { modules: 3, in_channels: 16, size: 20 });
  assert.deepEqual(
    [state.module, state.channel, state.row, state.column, state.dye_channel, state.dye_row, state.dye_size, state.film],
    [3, 15, 19, 19, 15, 8, 12, [0]],
  );
});

test("two groupings share one scale to begin with", () => {
  assert.equal(after({ compare: true }).scaling, "shared");
  assert.equal(after({ compare: true, scaling: "group" }).scaling, "group");
  assert.equal(settle(after({ compare: true }), { scaling: "map" }).scaling, "map");
});

test("side B goes along only where it is asked for", () => {
  const state = after({ compare: true, b_scheme: "standard" });
  assert.ok(!stackQuery(state, false).includes("b_scheme"));
  assert.ok(sideQuery(state, "b").includes("b_scheme=standard") && sideQuery(state, "b").endsWith("side=b"));
  assert.ok(numbersQuery(state, "b").includes("&scheme=standard"));
  assert.ok(!numbersQuery(state).includes("image"));
  assert.equal(dyeQuery(state), "dye=channel&dye_channel=0");
  assert.equal(dyeQuery({ ...state, dye: "patch" }), "dye=patch&dye_row=0&dye_column=0&dye_size=16");
});

test("rotation, size and the film follow the stack", () => {
  const state = after({ mixing: "rotated", downsample: "max", stage: 2, modules: 5 });
  assert.deepEqual([0, 1, 2, 3, 4].map((m) => rotationOf(state, m)), [0, 0, 16, 0, 16]);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((m) => sideLength(state, m)), [112, 112, 112, 56, 56, 28]);
  assert.deepEqual(filmOf(state), [0, 32, 48, 56]);
  assert.equal(filmOf(after({ scheme: "depthwise" })).length, 8);
  assert.equal(spansOf(after({ compare: true, b_scheme: "depthwise" }), "b").length, 64);
});
