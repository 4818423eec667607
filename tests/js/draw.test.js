import assert from "node:assert/strict";
import { test } from "node:test";

import { groupOfConnection } from "../../static/js/draw/matrix.js";
import { groupAt, ribbonLayout } from "../../static/js/draw/ribbons.js";
import { splitChannels } from "../../static/js/model/grouping.js";
import { stateOf } from "./states.js";

const groupsOf = (/** @type {object} */ patch) => splitChannels(stateOf(patch)).groups;

test("slots fill the height, in proportion, and both bands stand in their middle", () => {
  const layout = ribbonLayout(groupsOf({ in_channels: 64, out_channels: 128 }), 600, 340, 60);
  const last = layout.slots[layout.slots.length - 1];
  assert.ok(Math.abs(last.top + last.height - 340) < 1e-9);
  for (const slot of layout.slots) {
    assert.ok(Math.abs(slot.outHeight - 2 * slot.inHeight) < 1e-9);
    assert.ok(Math.abs(slot.inTop + slot.inHeight / 2 - (slot.top + slot.height / 2)) < 1e-9);
  }
  assert.ok(Math.abs(layout.slots[0].height - 4 * layout.slots[2].height) < 1e-9);
});

test("every height belongs to one group", () => {
  for (const patch of [{}, { scheme: "depthwise", in_channels: 512, out_channels: 512 }, { scheme: "standard" }]) {
    const layout = ribbonLayout(groupsOf(patch), 600, 340, 60);
    layout.slots.forEach((slot, index) => assert.equal(groupAt(layout, slot.top + slot.height / 2), index));
    assert.equal(groupAt(layout, -1), null);
    assert.equal(groupAt(layout, 341), null);
    assert.equal(groupAt(layout, 340), layout.slots.length - 1);
  }
});

test("ribbons too close to be told apart are thinned by an odd number", () => {
  const every = (/** @type {object} */ patch) => ribbonLayout(groupsOf(patch), 600, 340, 60).every;
  assert.equal(every({}), 1);
  assert.equal(every({ scheme: "depthwise", in_channels: 128, out_channels: 128 }), 1);
  assert.equal(every({ scheme: "depthwise", in_channels: 512, out_channels: 512 }), 5);
  assert.equal(every({ scheme: "depthwise", in_channels: 2048, out_channels: 2048 }), 19);
});

test("a connection is in one group's block, or cut", () => {
  const groups = groupsOf({});
  assert.equal(groupOfConnection(groups, 0, 31), 0);
  assert.equal(groupOfConnection(groups, 32, 31), null);
  assert.equal(groupOfConnection(groups, 63, 63), 3);
  assert.equal(groupOfConnection(groups, 63, 0), null);
});
