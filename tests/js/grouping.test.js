import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Illegal, groupSizes, legalGroups, nearest, runsOf, splitChannels } from "../../static/js/model/grouping.js";
import { stateOf } from "./states.js";

const golden = JSON.parse(readFileSync(new URL("../golden/legal.json", import.meta.url), "utf8"));

test("legal numbers of groups are the server's", () => {
  for (const row of golden) {
    const mine = legalGroups(row.scheme, row.in_channels, row.out_channels, row.base);
    assert.deepEqual(mine, row.legal_groups, JSON.stringify(row));
  }
});

test("every legal number splits, every other is refused", () => {
  for (const { scheme, in_channels, out_channels, base, legal_groups } of golden) {
    if (scheme === "standard" || scheme === "depthwise") continue;
    const most = Math.min(in_channels, out_channels, 130) + 1;
    for (let groups = 1; groups <= most; groups++) {
      const split = () => groupSizes(stateOf({ scheme, in_channels, out_channels, base, groups }));
      if (!legal_groups.includes(groups)) {
        assert.throws(split, Illegal, `${scheme} ${in_channels} ${out_channels} ${groups}`);
        continue;
      }
      const sizes = split();
      assert.equal(sizes.length, groups);
      assert.equal(sizes.reduce((sum, [a]) => sum + a, 0), in_channels);
      assert.equal(sizes.reduce((sum, [, b]) => sum + b, 0), out_channels);
      assert.ok(sizes.flat().every((size) => size >= 1));
    }
  }
});

test("spans stand one after the other", () => {
  const { groups, rounded } = splitChannels(stateOf({ in_channels: 100, out_channels: 64 }));
  assert.deepEqual(groups.map((g) => [g.in_start, g.in_channels]), [[0, 50], [50, 25], [75, 12], [87, 13]]);
  assert.deepEqual(groups.map((g) => [g.out_start, g.out_channels]), [[0, 32], [32, 16], [48, 8], [56, 8]]);
  assert.equal(rounded, true);
  assert.equal(splitChannels(stateOf()).rounded, false);
});

test("depthwise needs a multiple, custom needs the sums, and each names its field", () => {
  const field = (/** @type {object} */ patch) => {
    try {
      groupSizes(stateOf(patch));
    } catch (error) {
      return /** @type {Illegal} */ (error).field;
    }
    return "none";
  };
  assert.equal(field({ scheme: "depthwise", out_channels: 96 }), "out_channels");
  assert.equal(field({ scheme: "depthwise", out_channels: 128 }), "none");
  assert.equal(field({ scheme: "custom", sizes: [[32, 32], [16, 32]] }), "sizes");
  assert.equal(field({ scheme: "custom", sizes: [[32, 32], [32, 32]] }), "none");
  assert.equal(field({ scheme: "custom", sizes: [] }), "sizes");
  assert.equal(field({ scheme: "uniform", groups: 3 }), "groups");
});

test("the nearest legal value, ties down", () => {
  assert.equal(nearest([1, 2, 3, 4, 5, 6, 10, 12], 8), 6);
  assert.equal(nearest([1, 2, 4, 8], 3), 2);
  assert.equal(nearest([1, 2, 4, 8], 7), 8);
  assert.equal(nearest([1], 40), 1);
});

test("equal neighbours make one run", () => {
  const { groups } = splitChannels(stateOf());
  assert.deepEqual(runsOf(groups), [[1, 32, 32], [1, 16, 16], [2, 8, 8]]);
});
