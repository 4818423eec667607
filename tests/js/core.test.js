import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../../static/js/core/store.js";
import { ApiError } from "../../static/js/core/api.js";
import { stateOf } from "./states.js";

test("the store announces a change at once, with what was before, and only a change", () => {
  const store = createStore(stateOf());
  const seen = /** @type {number[][]} */ ([]);
  const stop = store.subscribe((state, prev) => seen.push([prev.groups, state.groups]));
  store.update({ groups: 5 });
  store.update({ groups: 5, kernel_size: [3, 3] });
  store.update({ kernel_size: [3, 2] });
  stop();
  store.update({ groups: 6 });
  assert.deepEqual(seen, [[4, 5], [5, 5]]);
  assert.ok(Object.isFrozen(store.get()));
});

test("an error is one sentence: the rule, then the way out", () => {
  const error = (/** @type {string} */ message, /** @type {string|null} */ hint) =>
    new ApiError(422, { code: "x", message, field: null, hint }).sentence;
  assert.equal(error("groups must divide in_channels: 64 % 5 = 4", "use 4 or 8"), "Groups must divide in_channels: 64 % 5 = 4; use 4 or 8.");
  assert.equal(error("in_channels must be at least 1", null), "in_channels must be at least 1.");
  assert.equal(error("Not found.", "Upload it again."), "Not found; Upload it again.");
});
