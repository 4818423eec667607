/** A store for what may follow later. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../../static/js/core/store.js";
import { createTrailing } from "../../static/js/core/trailing.js";

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("steps are told as one, once the first panel shows them", async () => {
  const store = createStore({ n: 0 });
  let show = () => {};
  const until = () => /** @type {Promise<void>} */ (new Promise((resolve) => (show = resolve)));
  const trailing = createTrailing(store, "maps", ({ n }) => String(n), until);
  /** @type {number[][]} */
  const told = [];
  const end = trailing.subscribe((state, prev) => void told.push([prev.n, state.n]));
  store.update({ n: 1 });
  trailing.update({ n: 2 });
  await turn();
  assert.deepEqual([told, trailing.get().n], [[], 2]);
  show();
  await turn();
  assert.deepEqual(told, [[0, 2]]);
  store.update({ n: 3 });
  store.update({ n: 2 });
  show();
  await turn();
  store.update({ n: 4 });
  end();
  show();
  await turn();
  assert.deepEqual(told.at(-1), [2, 2]);
});
