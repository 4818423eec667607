/** The page's numbers are the server's: every row of the golden tables, whole values. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { countLayer, describeLayer } from "../../static/js/model/counts.js";
import { Illegal } from "../../static/js/model/grouping.js";
import { stateOf } from "./states.js";

const golden = JSON.parse(readFileSync(new URL("../golden/layers.json", import.meta.url), "utf8"));

for (const { query, expect } of golden) {
  const name = [query.scheme, query.in_channels, query.out_channels, query.groups, query.base].join(" ");
  test(`describes ${name} as the server does`, () => {
    assert.deepEqual(describeLayer({ sizes: [], ...query }), expect);
  });
}

test("the page's layer takes its height and width from size", () => {
  const layer = countLayer(stateOf({ size: 65, stride: [2, 1] }));
  assert.deepEqual(layer.output_shape, [64, 33, 65]);
});

test("a layer is worked out once per state", () => {
  const state = stateOf({});
  assert.equal(countLayer(state), countLayer(state));
});

test("a kernel larger than the padded input is illegal, and names the kernel", () => {
  const state = stateOf({ size: 8, kernel_size: [11, 3], padding: [1, 1] });
  assert.throws(() => countLayer(state), (error) => error instanceof Illegal && error.field === "kernel_size");
  assert.equal(countLayer(stateOf({ size: 8, kernel_size: [10, 3] })).output_shape[1], 1);
});

test("totals are the sum of the groups", () => {
  const layer = countLayer(stateOf({ in_channels: 100, out_channels: 90, groups: 5 }));
  for (const key of /** @type {const} */ (["params", "macs", "flops"])) {
    assert.equal(layer.groups.reduce((sum, group) => sum + group[key], 0), layer[key]);
  }
});
