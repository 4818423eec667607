/** Undo and redo: what is a step, and what is not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createHistory } from "../../static/js/core/history.js";
import { createStore } from "../../static/js/core/store.js";

/** @param {import("node:test").TestContext} t */
function setUp(t) {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const store = createStore({ groups: 4, edits: /** @type {Record<string, object>} */ ({}), metric: "macs" });
  const history = createHistory(store, ["groups", "edits"], ["groups"]);
  return { store, history, wait: (/** @type {number} */ ms) => (now += ms) };
}

test("steps go back and forth, and only what counts comes back", (t) => {
  const { store, history, wait } = setUp(t);
  store.update({ groups: 5 });
  wait(5000);
  store.update({ edits: { conv1: { groups: 2 } } });
  store.update({ metric: "params" });
  history.undo();
  assert.deepEqual(store.get(), { groups: 5, edits: {}, metric: "params" });
  history.undo();
  assert.equal(store.get().groups, 4);
  assert.deepEqual([history.canUndo, history.canRedo], [false, true]);
  history.undo();
  assert.equal(store.get().groups, 4);
  history.redo();
  history.redo();
  assert.deepEqual(store.get(), { groups: 5, edits: { conv1: { groups: 2 } }, metric: "params" });
  assert.deepEqual([history.canUndo, history.canRedo], [true, false]);
});

test("a slider's drag is one step, two drags are two", (t) => {
  const { store, history, wait } = setUp(t);
  for (const groups of [5, 6, 7]) {
    wait(50);
    store.update({ groups });
  }
  wait(2000);
  for (const groups of [8, 9]) {
    wait(50);
    store.update({ groups });
  }
  history.undo();
  assert.equal(store.get().groups, 7);
  history.undo();
  assert.equal(store.get().groups, 4);
});

test("edits by hand are a step each, however quick", (t) => {
  const { store, history } = setUp(t);
  store.update({ edits: { conv1: { groups: 2 } } });
  store.update({ edits: { conv1: { groups: 4 } } });
  history.undo();
  assert.deepEqual(store.get().edits, { conv1: { groups: 2 } });
});

test("a new change ends what could be redone", (t) => {
  const { store, history, wait } = setUp(t);
  store.update({ groups: 5 });
  history.undo();
  wait(5000);
  store.update({ groups: 6 });
  assert.equal(history.canRedo, false);
  history.undo();
  assert.equal(store.get().groups, 4);
});
