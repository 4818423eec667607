/** The networks page's state in its address, and what the server is asked for it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { canonical, changesText, parseQuery, pinOf, policyOf } from "../../static/js/model/networkstate.js";

const IDS = ["alexnet-2012", "resnet-50"];
const start = parseQuery("", IDS).state;

test("a state survives the trip through the address, edits and kept curves included", () => {
  const state = {
    ...start,
    network: "resnet-50", policy: /** @type {const} */ ("root"), groups: 16, hold: /** @type {const} */ ("params"), budget: 1.5,
    edits: { "layer1.0.conv2": { grouping: { scheme: "custom", sizes: [[32, 32], [32, 32]] }, kernel_size: [3, 5] }, fc: { out_features: 10 } },
    pins: [{ network: "alexnet-2012", policy: { kind: "uniform", groups: 2, scope: "spatial" }, hold: "channels", edits: {} }],
    cumulative: true, metric: /** @type {const} */ ("memory_access_bytes"), selected: null,
  };
  const { state: back, errors } = parseQuery(`?${canonical(state)}`, IDS);
  assert.deepEqual(back, state);
  assert.deepEqual(errors, []);
});

test("the layer under the pointer is nobody else's business", () => {
  assert.equal(canonical({ ...start, selected: 3 }), canonical(start));
});

for (const [query, message] of [
  ["network=lenet", "The link’s “lenet” for network is replaced by alexnet-2012."],
  ["network=own", "The link is of a network that its sender keeps in a browser; alexnet-2012 is shown."],
  ["groups=0", "The link’s “0” for groups is replaced by 4."],
  ["budget=-1", "The link’s “-1” for budget is replaced by 3."],
  ["policy=spiral", "The link’s “spiral” for policy is replaced by logarithmic."],
  ["edits={", "The link’s “{” for edits is replaced by none."],
  ["edits=[]", "The link’s “[]” for edits is replaced by none."],
  ["edits={\"conv1\":3}", "The link’s “{\"conv1\":3}” for edits is replaced by none."],
  ["edits={\"a\":{\"grouping\":{\"scheme\":\"custom\"}}}", "The link’s “{\"a\":{\"grouping\":{\"schem…” for edits is replaced by none."],
  ["edits={\"a\":{\"grouping\":{\"scheme\":{}}}}", "The link’s “{\"a\":{\"grouping\":{\"schem…” for edits is replaced by none."],
  ["edits={\"a\":{\"groups\":[[1]]}}", "The link’s “{\"a\":{\"groups\":[[1]]}}” for edits is replaced by none."],
  ["pins=[{\"network\":\"own\"}]", "The link’s “[{\"network\":\"own\"}]” for pins is replaced by none."],
  ["pins=[{\"network\":\"resnet-50\",\"policy\":\"x\"}]", "The link’s “[{\"network\":\"resnet-50\",…” for pins is replaced by none."],
  ["halve=__proto__", "The link’s “__proto__” for halve is replaced by true."],
  ["pins=[{\"network\":\"lenet\"}]", "The link’s “[{\"network\":\"lenet\"}]” for pins is replaced by none."],
]) {
  test(`a link with ${query} is reported and replaced`, () => {
    const { state, errors } = parseQuery(`?${encodeURI(query)}`, IDS);
    assert.deepEqual(errors, [{ field: query.split("=")[0], message }]);
    assert.deepEqual(state, start);
  });
}

test("a policy takes only the numbers it reads", () => {
  const of = (/** @type {any} */ policy) => policyOf({ ...start, policy, groups: 8, width: 16, base: 3 });
  assert.equal(of("keep"), null);
  assert.deepEqual(of("none"), { kind: "none", scope: "spatial" });
  assert.deepEqual(of("uniform"), { kind: "uniform", groups: 8, scope: "spatial" });
  assert.deepEqual(of("width"), { kind: "width", width: 16, scope: "spatial" });
  assert.deepEqual(of("logarithmic"), { kind: "logarithmic", groups: 8, base: 3, scope: "spatial" });
  assert.deepEqual(of("depthwise"), { kind: "depthwise", scope: "spatial" });
  assert.deepEqual(of("root"), { kind: "root", groups: 8, scope: "spatial" });
});

test("what is done to a network, in words", () => {
  const words = (/** @type {object} */ patch) => changesText(pinOf({ ...start, ...patch }));
  assert.equal(words({}), "logarithmic n = 4");
  assert.equal(words({ base: 3, hold: "macs", scope: "all" }), "logarithmic n = 4, base 3, 1 × 1 too, MACs held");
  assert.equal(words({ policy: "keep", hold: "params" }), "");
  assert.equal(words({ policy: "keep", edits: { conv1: { bias: false } }, hold: "params" }), "1 layer edited, params held");
});
