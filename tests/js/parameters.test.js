/** What is typed into a layer's form, as the edit that the server is sent. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { readParameter, readSizes, splitEdit, splitOf } from "../../static/js/model/parameters.js";

test("numbers and pairs are read, anything else goes to the server as it is", () => {
  assert.deepEqual(["3", " 3 , 5 ", "3x5", "3 × 5", "0.5", "-1", "three", "", "3,"].map(readParameter), [3, [3, 5], [3, 5], [3, 5], 0.5, -1, "three", "", [3, ""]]);
});

test("sizes are pairs", () => {
  assert.deepEqual(readSizes("32x32, 16×8,4→4"), [[32, 32], [16, 8], [4, 4]]);
  assert.deepEqual(readSizes("32"), [[32]]);
  assert.deepEqual(readSizes("a x 3"), [["a", 3]]);
});

test("a split goes the way PyTorch writes it where PyTorch has one", () => {
  assert.deepEqual(splitEdit({ scheme: "standard", groups: 4 }), { groups: 1 });
  assert.deepEqual(splitEdit({ scheme: "uniform", groups: 4, base: 2 }), { groups: 4 });
  assert.deepEqual(splitEdit({ scheme: "logarithmic", groups: 4, base: 2, sizes: [] }), { grouping: { scheme: "logarithmic", groups: 4, base: 2 } });
  assert.deepEqual(splitEdit({ scheme: "depthwise", groups: 4 }), { grouping: { scheme: "depthwise" } });
  assert.deepEqual(splitEdit({ scheme: "custom", sizes: [[1, 2]] }), { grouping: { scheme: "custom", sizes: [[1, 2]] } });
  assert.deepEqual([{}, { groups: 1 }, { groups: 2 }].map(splitOf), [{ scheme: "standard" }, { scheme: "standard" }, { scheme: "uniform", groups: 2 }]);
  assert.deepEqual(splitOf({ grouping: { scheme: "logarithmic", groups: 3, base: 2 } }), { scheme: "logarithmic", groups: 3, base: 2 });
});
