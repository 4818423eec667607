/** Where a channel can flow, against the boolean product done pair by pair; and the pixels of the whole matrix. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fillReach, pixelOf } from "../../static/js/draw/reach.js";
import { closed, cutsOf, dealt, flow, walled } from "../../static/js/model/reach.js";
import { groupsAt } from "../../static/js/model/stacksections.js";
import { parseQuery, rotationOf, spansOf } from "../../static/js/model/stackstate.js";

/** @param {string} query */
const stateOf = (query) => parseQuery(`?${query}`, {}).state;

/** @param {Uint8Array} row */
const reached = (row) => [...row].flatMap((value, c) => (value ? [c] : []));

/**
 * Every connection of a module as a pair, no unions: what flow() must come to.
 * @param {ReturnType<typeof stateOf>} state
 * @param {number} module
 * @param {number} input  after the mixing
 * @param {number} output
 */
function connects(state, module, input, output) {
  const total = state.in_channels;
  const back = (/** @type {number} */ c) => (c - rotationOf(state, module) + total) % total;
  const [i, o] = [back(input), back(output)];
  const grouped = spansOf(state, "a").some((g) => i >= g.in_start && i < g.in_start + g.in_channels && o >= g.out_start && o < g.out_start + g.out_channels);
  return grouped || (state.residual && input === output);
}

/** @param {ReturnType<typeof stateOf>} state @param {number} channel */
function pairByPair(state, channel) {
  const order = dealt(spansOf(state, "a"));
  let now = new Set([channel]);
  const rows = [[channel]];
  for (let module = 1; module <= state.modules; module++) {
    if (module > 1 && state.mixing === "shuffle") now = new Set(order.flatMap((from, to) => (now.has(from) ? [to] : [])));
    if (module > 1 && state.mixing === "pointwise" && now.size) now = new Set(order.keys());
    const all = Array.from({ length: state.in_channels }, (_, o) => o);
    const next = all.filter((o) => [...now].some((i) => connects(state, module, i, o)));
    now = new Set(next);
    rows.push(next);
  }
  return rows;
}

const STACKS = [
  "in_channels=12&scheme=logarithmic&groups=3", "in_channels=12&scheme=uniform&groups=4", "in_channels=9&scheme=depthwise&groups=9",
  "in_channels=10&scheme=custom&sizes=6x2,3x5,1x3", "in_channels=7&scheme=standard&groups=1",
];

for (const stack of STACKS) {
  test(`a dye goes where the pairs are connected: ${stack}`, () => {
    for (const mixing of ["none", "shuffle", "pointwise", "rotated"]) {
      for (const residual of [true, false]) {
        const state = stateOf(`${stack}&mixing=${mixing}&residual=${residual}&modules=5`);
        for (let channel = 0; channel < state.in_channels; channel++) {
          assert.deepEqual(flow(state, "a", channel).map(reached), pairByPair(state, channel), `${mixing} ${residual} ${channel}`);
        }
      }
    }
  });
}

test("a shuffle deals one channel from each group in turn until all are used", () => {
  assert.deepEqual(dealt(spansOf(stateOf("in_channels=6&scheme=uniform&groups=2"), "a")), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(dealt(spansOf(stateOf("in_channels=8&scheme=logarithmic&groups=3"), "a")), [0, 4, 6, 1, 5, 7, 2, 3]);
});

test("groups are those that read the stem, then those that made a module, moved where the split is rotated", () => {
  const state = stateOf("in_channels=8&scheme=custom&sizes=6x2,2x6&mixing=rotated");
  assert.deepEqual([...groupsAt(state, "a", 0)], [0, 0, 0, 0, 0, 0, 1, 1]);
  assert.deepEqual([...groupsAt(state, "a", 1)], [0, 0, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual([...groupsAt(state, "a", 2)], [1, 1, 0, 0, 1, 1, 1, 1]);
  assert.deepEqual(cutsOf(groupsAt(state, "a", 2)), [2, 4]);
});

test("walls that no depth opens are told from those that open later", () => {
  assert.equal(closed(stateOf("mixing=none"), "a", 0), true);
  assert.equal(closed(stateOf("mixing=rotated"), "a", 0), true, "a quarter of 64 leads the first half to 48 and no further");
  assert.equal(closed(stateOf("mixing=rotated&scheme=uniform&groups=4&modules=1"), "a", 0), true, "groups of a quarter turn into each other");
  assert.equal(closed(stateOf("mixing=rotated&scheme=uniform&groups=2&modules=1"), "a", 0), false);
  assert.equal(closed(stateOf("mixing=shuffle&modules=1"), "a", 0), false);
  assert.equal(closed(stateOf("mixing=shuffle&scheme=depthwise&groups=64"), "a", 0), true);
});

test("a channel that wanders alone for sixty modules is not walled in", () => {
  const sizes = ["2x2", ...Array(62).fill("1x1")].join();
  const state = stateOf(`scheme=custom&sizes=${sizes}&mixing=shuffle`);
  assert.equal(state.groups, 63);
  const longer = { ...state, modules: 63 };
  assert.deepEqual(flow(longer, "a", 63).map((row) => reached(row).length).slice(-3), [1, 1, 2], "it meets the wide group at last");
  assert.equal(closed(state, "a", 63), false);
  assert.equal(closed(stateOf("scheme=custom&sizes=2x2,62x62&mixing=none"), "a", 63), true);
  // Without the identity sets come and go in turns: where they come back, they have been everywhere.
  assert.equal(closed(stateOf("in_channels=8&scheme=custom&sizes=1x1,1x1,6x6&mixing=shuffle&residual=false"), "a", 0), true);
});

test("walls stand where every group writes what it reads", () => {
  assert.equal(walled(spansOf(stateOf("scheme=uniform"), "a")), true);
  assert.equal(walled(spansOf(stateOf("scheme=custom&sizes=16x48,48x16"), "a")), false);
});

test("a pair that is connected has its row's colour, another the surface's", () => {
  const pixels = fillReach(["110", "011", "000"], [0, 1, 1], (group) => [7, 8][group], 1);
  assert.deepEqual([...pixels], [7, 7, 1, 1, 8, 8, 1, 1, 1]);
  assert.equal(pixelOf("#0102fe"), 0xfffe0201);
});
