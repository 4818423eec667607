/** From what a control asks for to the store: real store, real rules; messages are noted down instead of shown. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createAttempts } from "../../static/js/core/attempts.js";
import { createStore } from "../../static/js/core/store.js";
import { stateOf } from "./states.js";

/** @param {object} patch */
function desk(patch) {
  const store = createStore(stateOf(patch));
  /** @type {Map<string, string>} */
  const notes = new Map();
  const errors = /** @type {any} */ ({
    showFieldError: (/** @type {string} */ field, /** @type {string} */ text) => notes.set(field, text),
    showFieldNote: (/** @type {string} */ field, /** @type {string} */ text) => notes.set(field, text),
    clearFieldError: (/** @type {string} */ field) => notes.delete(field),
  });
  const attempts = createAttempts({ store, boot: { params: {} }, errors });
  return { store, notes, attempts };
}

test("the number of groups gives way while a channel slider passes, and comes back with it", () => {
  const { store, notes, attempts } = desk({ scheme: "uniform", groups: 8 });
  attempts.attempt("in_channels", "63");
  assert.equal(store.get().groups, 1);
  assert.match(notes.get("groups") ?? "", /63 → 64 channels can’t be split into 8 equal groups/);
  attempts.attempt("in_channels", "64");
  assert.equal(store.get().groups, 8);
  assert.equal(notes.has("groups"), false);
});

test("once another control moves, what is shown is what counts", () => {
  const { store, attempts } = desk({ scheme: "uniform", groups: 8 });
  attempts.attempt("in_channels", "60");
  attempts.attempt("out_channels", "60");
  assert.equal(store.get().groups, 4);
});

test("the last chosen number of groups returns after schemes that have none to choose", () => {
  const { store, attempts } = desk({ groups: 6 });
  attempts.attempt("scheme", "standard");
  attempts.attempt("bias", "false");
  assert.equal(store.get().groups, 1);
  attempts.attempt("scheme", "logarithmic");
  assert.equal(store.get().groups, 6);
});

test("what cannot be is kept beside its control, and the state stays", () => {
  const { store, attempts } = desk({});
  const before = store.get();
  attempts.attempt("in_channels", "abc");
  attempts.attempt("groups", "40");
  attempts.attempt("kernel_size", "3,");
  assert.equal(store.get(), before);
  assert.equal(attempts.draft("in_channels"), "abc");
  assert.equal(attempts.draft("groups"), "40");
  attempts.attempt("in_channels", "32");
  assert.equal(store.get().in_channels, 32);
  assert.equal(attempts.draft("in_channels"), undefined);
  attempts.end();
});

test("a draft goes along as soon as another change makes it possible", () => {
  const { store, attempts } = desk({ out_channels: 90 });
  attempts.attempt("scheme", "depthwise");
  assert.equal(store.get().scheme, "logarithmic");
  attempts.attempt("out_channels", "128");
  assert.deepEqual([store.get().scheme, store.get().groups], ["depthwise", 64]);
  assert.equal(attempts.draft("scheme"), undefined);
  attempts.end();
});

test("a draft that stays impossible holds nothing else back", () => {
  const { store, attempts } = desk({ size: 8 });
  attempts.attempt("kernel_size", "30");
  attempts.attempt("seed", "7");
  assert.deepEqual([store.get().seed, store.get().kernel_size], [7, [3, 3]]);
  assert.equal(attempts.draft("kernel_size"), "30");
  attempts.end();
});
