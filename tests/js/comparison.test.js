/** A variant's changed rows among those of the network as it is. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { merged } from "../../static/js/model/comparison.js";

test("what did not change is the very same object, and what did takes its place", () => {
  const row = (/** @type {string} */ name, /** @type {number} */ macs) => ({ name, macs });
  const layer = (/** @type {string} */ name, /** @type {boolean} */ changed) => ({ name, changed });
  const rows = [row("a", 1), row("b", 2), row("c", 3)];
  const whole = /** @type {any} */ ({
    original: { rows, totals: { macs: 6 } }, variant: { rows, totals: { macs: 6 } }, layers: ["a", "b", "c"].map((name) => layer(name, false)), notes: ["none"],
  });
  const changes = /** @type {any} */ ({
    original: { rows: [], totals: { macs: 6 } }, variant: { rows: [row("c", 1), row("b", 1)], totals: { macs: 3 } }, layers: [layer("c", true), layer("b", true)], notes: ["less"],
  });
  const { original, variant, layers, notes } = merged(whole, changes);
  assert.deepEqual(variant.rows.map(({ macs }) => macs), [1, 1, 1]);
  assert.equal(variant.rows[0], rows[0]);
  assert.equal(layers[0], whole.layers[0]);
  assert.deepEqual(layers.map(({ changed }) => changed), [false, true, true]);
  assert.deepEqual([variant.totals.macs, original.rows, notes], [3, rows, ["less"]]);
  assert.deepEqual(whole.variant.rows.map((/** @type {any} */ { macs }) => macs), [1, 2, 3], "the whole is not touched");
});
