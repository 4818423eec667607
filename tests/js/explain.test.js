/** Whom the page asks why a value cannot be: the layer first, maps only for what is theirs, and then one pixel. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../../static/js/core/explain.js";
import { stateOf } from "./states.js";

const signal = new AbortController().signal;

/**
 * @param {import("node:test").TestContext} t
 * @param {Record<string, string>} refusals  field that each endpoint complains about
 */
function serve(t, refusals) {
  /** @type {URL[]} */
  const asked = [];
  t.mock.method(globalThis, "fetch", async (/** @type {string} */ path) => {
    const url = new URL(path, "http://server");
    asked.push(url);
    const field = refusals[url.pathname];
    if (!field) return new Response("{}");
    const error = { code: "x", message: `${url.pathname} refuses ${field}`, field, hint: null };
    return new Response(JSON.stringify({ error }), { headers: { "Groupscope-Status": "422" } });
  });
  return asked;
}

test("a size past exact counts costs no maps", async (t) => {
  const asked = serve(t, { "/api/layer": "in_channels" });
  assert.match((await explain(stateOf(), { size: " 400" }, signal)) ?? "", /layer refuses in_channels/);
  assert.deepEqual(asked.map((url) => url.pathname), ["/api/layer"]);
  assert.deepEqual([asked[0].searchParams.get("height"), asked[0].searchParams.get("width")], ["400", "400"]);
});

test("what only the maps refuse is asked with one pixel of one map", async (t) => {
  for (const [field, refusals] of /** @type {["size"|"seed", Record<string, string>][]} */ ([
    ["size", { "/api/layer": "height", "/api/feature-maps": "size" }],
    ["size", { "/api/feature-maps": "size" }],
    ["seed", { "/api/feature-maps": "seed" }],
  ])) {
    const asked = serve(t, refusals);
    assert.match((await explain(stateOf(), { [field]: "abc" }, signal)) ?? "", new RegExp(`feature-maps refuses ${field}`));
    const query = asked[asked.length - 1].searchParams;
    assert.deepEqual([query.get(field), query.get("tile"), query.get("channels")], ["abc", "1", "0:1"]);
  }
});

test("the layer's own values never ask for maps, and nothing wrong is null", async (t) => {
  const asked = serve(t, {});
  assert.equal(await explain(stateOf(), { groups: "7" }, signal), null);
  assert.deepEqual(asked.map((url) => url.pathname), ["/api/layer"]);
});
