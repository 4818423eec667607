import assert from "node:assert/strict";
import { test } from "node:test";

import { Illegal } from "../../static/js/model/grouping.js";
import { movedSentence, settle, settleLink } from "../../static/js/model/settle.js";
import { travel } from "../../static/js/model/travel.js";
import { waysOut } from "../../static/js/model/waysout.js";
import { stateOf } from "./states.js";

const uniform = stateOf({ scheme: "uniform", groups: 8 });

test("a channel change moves an illegal number of groups to the nearest legal one and says so", () => {
  const { state, moved } = settle({ ...uniform, out_channels: 60 }, { in_channels: 60 }, 8);
  assert.equal(state.groups, 6);
  assert.equal(
    movedSentence(state, /** @type {NonNullable<typeof moved>} */ (moved)),
    "60 channels can’t be split into 8 equal groups. Nearest: 6 or 10.",
  );
});

test("a logarithmic split says how many groups there is room for", () => {
  const { state, moved } = settle(stateOf({ groups: 7 }), { in_channels: 5 }, 7);
  assert.equal(state.groups, 4);
  assert.equal(
    movedSentence(state, /** @type {NonNullable<typeof moved>} */ (moved)),
    "5 → 64 channels leave room for at most 4 logarithmic groups of base 2, not 7.",
  );
});

test("a legal number of groups stays, silently", () => {
  assert.deepEqual(settle(uniform, { in_channels: 128 }, 8).moved, null);
  assert.equal(settle(uniform, { in_channels: 128 }, 8).state.groups, 8);
});

test("an illegal number of groups that was asked for is refused, not moved", () => {
  assert.throws(() => settle(uniform, { groups: 5 }, 8), Illegal);
  assert.equal(settle(uniform, { groups: 16 }, 8).state.groups, 16);
});

test("schemes without a choice set the number of groups, and the chosen one comes back", () => {
  assert.equal(settle(uniform, { scheme: "standard" }, 8).state.groups, 1);
  assert.equal(settle(uniform, { scheme: "depthwise" }, 8).state.groups, 64);
  const standard = settle(uniform, { scheme: "standard" }, 8).state;
  assert.equal(settle(standard, { scheme: "uniform" }, 8).state.groups, 8);
});

test("a custom split begins as the split that was there", () => {
  const { state } = settle(stateOf(), { scheme: "custom" }, 4);
  assert.deepEqual(state.sizes, [[32, 32], [16, 16], [8, 8], [8, 8]]);
  assert.equal(state.groups, 4);
  assert.deepEqual(settle(state, { scheme: "standard" }, 4).state.sizes, []);
});

test("what cannot be counted exactly is refused", () => {
  const patch = { in_channels: 2048, out_channels: 2048, size: 1024 };
  assert.throws(() => settle(uniform, patch, 8), Illegal);
});

test("a group that is gone is not selected any more", () => {
  assert.equal(settle({ ...uniform, selected: 7 }, { groups: 4 }, 8).state.selected, null);
  assert.equal(settle({ ...uniform, selected: 3 }, { groups: 4 }, 8).state.selected, 3);
});

test("ways out of splits that do not fit", () => {
  const depthwise = stateOf({ scheme: "depthwise", in_channels: 60, out_channels: 90 });
  assert.deepEqual(waysOut(depthwise, {}), [{ label: "Set output channels to 120", patch: { out_channels: 120 } }]);
  const custom = stateOf({ scheme: "custom", sizes: [[32, 32], [16, 16]] });
  assert.deepEqual(waysOut(custom, {}), [
    { label: "Make the last group 32×32", patch: { sizes: [[32, 32], [32, 32]] } },
    { label: "Set channels to 48 → 48", patch: { in_channels: 48, out_channels: 48 } },
  ]);
  for (const { patch } of [...waysOut(depthwise, {}), ...waysOut(custom, {})]) {
    const base = "out_channels" in patch && !("in_channels" in patch) ? depthwise : custom;
    assert.doesNotThrow(() => settle(base, { scheme: base.scheme, sizes: base.sizes, ...patch }, 4));
  }
  assert.deepEqual(waysOut(stateOf({ groups: 99 }), {}), []);
});

test("the nearest multiple for depthwise is at least one, and ties go up, as in compute/grouping.py", () => {
  for (const [ins, outs, near] of [[64, 160, 192], [64, 159, 128], [64, 10, 64], [3, 4, 3]]) {
    const [way] = waysOut(stateOf({ scheme: "depthwise", in_channels: ins, out_channels: outs }), {});
    assert.deepEqual(way.patch, { out_channels: near });
  }
});

test("no way out leads past a limit", () => {
  const params = { in_channels: { max: 2048 }, out_channels: { max: 2048 } };
  assert.deepEqual(waysOut(stateOf({ scheme: "custom", sizes: [[2000, 2000], [2000, 2000]] }), params), []);
  assert.deepEqual(waysOut(stateOf({ scheme: "depthwise", in_channels: 1100, out_channels: 2000 }), params), []);
  assert.equal(waysOut(stateOf({ scheme: "custom", sizes: [[1024, 1024], [1024, 1024]] }), params).length, 1);
});

test("a link's impossible combinations are mended and reported", () => {
  const mended = (/** @type {object} */ patch) => settleLink(stateOf(patch), {});
  assert.deepEqual(mended({}), { state: stateOf(), errors: [] });
  const uneven = mended({ scheme: "uniform", groups: 5 });
  assert.equal(uneven.state.groups, 4);
  assert.deepEqual(uneven.errors.map(({ field }) => field), ["groups"]);
  const depthwise = mended({ scheme: "depthwise", in_channels: 60, out_channels: 90 });
  assert.equal(depthwise.state.scheme, "logarithmic");
  assert.deepEqual(depthwise.errors, [
    { field: "scheme", message: "The link asks for a split that does not fit its channels. Using logarithmic instead." },
  ]);
  const custom = mended({ scheme: "custom", sizes: [[60, 64], [4, 0]], groups: 9 });
  assert.equal(custom.state.scheme, "logarithmic");
  const good = mended({ scheme: "custom", sizes: [[60, 60], [4, 4]], groups: 9 });
  assert.deepEqual([good.state.groups, good.errors], [2, []]);
  const kernel = mended({ kernel_size: [40, 40], size: 16, padding: [0, 0] });
  assert.deepEqual([kernel.state.kernel_size, kernel.state.size], [[3, 3], 224]);
  assert.deepEqual(mended({ scheme: "standard", groups: 4 }), { state: stateOf({ scheme: "standard", groups: 1 }), errors: [] });
});

test("a slider stops on legal values only, in the direction of travel", () => {
  const legal = [1, 2, 4, 8, 16, 32, 64];
  assert.equal(travel(legal, 4, 5), 8);
  assert.equal(travel(legal, 8, 7), 4);
  assert.equal(travel(legal, 4, 32), 32);
  assert.equal(travel(legal, 60, 40), 32);
  assert.equal(travel(legal, 4, 90), 64);
  assert.equal(travel(legal, 4, 0), 1);
  assert.equal(travel([1], 1, 2), 1);
});
