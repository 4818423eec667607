import assert from "node:assert/strict";
import { test } from "node:test";

import { canonical, depthQuery, layerQuery, mapsQuery, parseQuery, stackLink } from "../../static/js/core/url.js";
import { stateOf } from "./states.js";

const ID = "0123456789abcdef".repeat(4);
const PARAMS = {
  in_channels: { kind: "int", default: 64, min: 1, max: 2048, label: "Input channels" },
  kernel_size: { kind: "pair", default: [3, 3], min: 1, max: 64, label: "Kernel" },
  image: { kind: "hash", default: ID },
  sizes: { kind: "sizes", default: null, max: 2048 },
};

test("the canonical query holds every key in one fixed order", () => {
  assert.equal(
    canonical(stateOf({ image: ID })),
    `image=${ID}&size=224&in_channels=64&out_channels=64&kernel_size=3,3&stride=1,1&padding=1,1&dilation=1,1&bias=true` +
      "&scheme=logarithmic&groups=4&base=2&weights=filter-bank&seed=0&gain=cut&relu=true&scaling=map&unit=macs" +
      "&depth=16&stage=4&halve=true&metric=macs&cumulative=false&log=true",
  );
});

test("a state survives the trip through the URL", () => {
  const states = [
    stateOf({ image: ID, kernel_size: [3, 2], stride: [2, 1], bias: false, seed: 12345, gain: "fan-in", log: false }),
    stateOf({ scheme: "custom", groups: 3, sizes: [[32, 20], [16, 40], [16, 4]], scaling: "shared", unit: "flops" }),
    stateOf({ scheme: "depthwise", groups: 64, metric: "params", cumulative: true, halve: false }),
  ];
  for (const state of states) {
    const { state: back, errors } = parseQuery(`?${canonical(state)}`, {});
    assert.deepEqual(back, state);
    assert.deepEqual(errors, []);
  }
});

test("the selected group is nobody else's business", () => {
  assert.equal(canonical(stateOf({ selected: 2 })), canonical(stateOf()));
});

test("each endpoint is asked for what it documents, and for nothing else", () => {
  const keys = (/** @type {string} */ query) => [...new URLSearchParams(query).keys()];
  const state = stateOf({ image: ID });
  const layer = ["in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "bias", "scheme", "groups", "base"];
  assert.deepEqual(keys(layerQuery(state)), layer);
  assert.deepEqual(keys(mapsQuery(state)), ["image", "size", ...layer, "weights", "seed", "gain", "relu"]);
  assert.deepEqual(keys(depthQuery(state)), [
    "in_channels", "kernel_size", "bias", "height", "width", "groups", "base", "depth", "stage", "halve",
  ]);
  const custom = stateOf({ scheme: "custom", sizes: [[32, 32], [32, 32]] });
  assert.match(layerQuery(custom), /&sizes=32x32,32x32$/);
});

test("server's defaults and limits win over the page's", () => {
  const { state } = parseQuery("", PARAMS);
  assert.equal(state.image, ID);
  assert.deepEqual(state.kernel_size, [3, 3]);
  assert.deepEqual(state.sizes, []);
  assert.equal(parseQuery("in_channels=2048", PARAMS).state.in_channels, 2048);
});

for (const [query, message] of [
  ["in_channels=0", "The link’s “0” for Input channels (1 to 2\u202f048) is replaced by 64."],
  ["in_channels=-1", "The link’s “-1” for Input channels (1 to 2\u202f048) is replaced by 64."],
  ["in_channels=1e3", "The link’s “1e3” for Input channels (1 to 2\u202f048) is replaced by 64."],
  ["in_channels=NaN", "The link’s “NaN” for Input channels (1 to 2\u202f048) is replaced by 64."],
  ["in_channels=", "The link’s “” for Input channels (1 to 2\u202f048) is replaced by 64."],
  ["in_channels=99999999999999999999", "The link’s “99999999999999999999” for Input channels (1 to 2\u202f048) is replaced by 64."],
  ["kernel_size=3,2,1", "The link’s “3,2,1” for Kernel (1 to 64) is replaced by 3,3."],
  ["scheme=spiral", "The link’s “spiral” for scheme is replaced by logarithmic."],
  ["sizes=32x", "The link’s “32x” for sizes is replaced by none."],
  ["bias=maybe", "The link’s “maybe” for bias is replaced by on."],
  [`image=${"x".repeat(60)}`, `The link’s “${"x".repeat(24)}…” for image is replaced by the sample “Cat”.`],
]) {
  test(`a link with ${query.slice(0, 40)} is reported and replaced`, () => {
    const { state, errors } = parseQuery(query, PARAMS, [{ id: ID, name: "Cat" }]);
    assert.deepEqual(errors, [{ field: query.split("=")[0], message }]);
    assert.deepEqual(state, parseQuery("", PARAMS).state);
  });
}

test("a layer leads to a stack of such layers, where there can be one", () => {
  const link = new URL(stackLink(stateOf({ image: ID, seed: 7, kernel_size: [5, 3], gain: "cut" })) ?? "", "http://here");
  assert.equal(link.pathname, "/stack");
  assert.deepEqual(["image", "seed", "kernel_size", "gain", "residual"].map((key) => link.searchParams.get(key)), [ID, "7", "5,3", "cut", "false"]);
  for (const patch of /** @type {const} */ ([{ out_channels: 32 }, { stride: [2, 1] }, { kernel_size: [2, 2] }])) {
    assert.equal(stackLink(stateOf(/** @type {any} */ (patch))), null);
  }
});
