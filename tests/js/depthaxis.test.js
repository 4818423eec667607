/** The axis of modules: it begins at the stem, ends at the last module, and its numbers have room. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { dressedDepth } from "../../static/js/draw/depthaxis.js";

/** @param {number} modules @param {number} width */
function axisOf(modules, width) {
  const x = Array.from({ length: modules + 1 }, (_, m) => m);
  const trace = { type: "scatter", mode: "lines+markers", x, y: x, line: {}, marker: {} };
  const layout = { title: { text: "" }, xaxis: { title: {}, dtick: 1 }, yaxis: { title: {} } };
  return dressedDepth({ data: [trace], layout }, () => "#000000", width, false).layout.xaxis;
}

test("sixteen modules have a number each where there is room, and every second on a phone", () => {
  assert.equal(axisOf(16, 900).dtick, 1);
  assert.equal(axisOf(16, 358).dtick, 2);
  assert.equal(axisOf(1, 60).dtick, 26);
  assert.deepEqual(axisOf(8, 900).range, [-0.3, 8.3]);
});
