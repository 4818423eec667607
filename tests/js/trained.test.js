/** Trained networks beside the page's own numbers: the words of the server, and what a page has to become. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { canonical as layerCanonical, mapsQuery, parseQuery as parseLayer } from "../../static/js/core/url.js";
import { canonical, numbersQuery, parseQuery, pictureKey, settle, stackQuery } from "../../static/js/model/stackstate.js";
import { tileKeys } from "../../static/js/model/tiles.js";
import { eyeText, inGroups, layerDifferences, layerLacks, merged, optionText, preferred, stackDifferences, stackLacks } from "../../static/js/model/trained.js";
import { weightsText } from "../../static/js/model/weightwords.js";
import { pictureLines } from "../../static/js/model/stackwords.js";
import { stateOf } from "./states.js";

const STACK = {
  in_channels: 24, scheme: /** @type {const} */ ("uniform"), groups: 4, base: null, sizes: null, modules: 3, residual: true,
  mixing: /** @type {const} */ ("shuffle"), downsample: /** @type {const} */ ("max"), stage: 1, kernel_size: /** @type {[number, number]} */ ([3, 3]),
};
const RUN = `${"0123456789abcdef".repeat(2)}-uniform-0`;
/** @param {Partial<import("../../static/js/model/trained.js").Entry>} patch @returns {import("../../static/js/model/trained.js").Entry} */
const entryOf = (patch = {}) => ({
  id: "fashion-uniform", origin: "shipped", name: "Fashion-MNIST, uniform", sentence: "Fashion-MNIST, 86.4 % of 2,000 test images, 25 November 2026",
  query: "", layer_query: "", arm: "uniform", seed: 0, date: "2026-11-25", accuracy: 0.8644,
  data: { name: "Fashion-MNIST", channels: 1, side: [28, 28], named: true }, stack: STACK, ...patch,
});
const stackState = (/** @type {any} */ patch = {}) => settle(parseQuery("", {}).state, patch);

test("differences are told in the server's words", () => {
  const cases = JSON.parse(readFileSync(new URL("../golden/trained.json", import.meta.url), "utf8"));
  for (const { page, trained, seen, differences } of cases) {
    const entry = entryOf({ stack: trained });
    const given = { ...seen, base: seen.base ?? 2, sizes: seen.sizes ?? [] };
    const found = page === "stack" ? stackDifferences({ ...stackState(), ...given }, entry) : layerDifferences({ ...stateOf(), ...given }, entry);
    assert.deepEqual(found, differences);
  }
});

test("a page that asks for what a network lacks has to become it", () => {
  const fits = { in_channels: 24, modules: 3 };
  assert.equal(stackLacks(stackState(fits), entryOf()), null);
  for (const [patch, sentence] of /** @type {const} */ ([
    [{ in_channels: 32 }, "The network has 24 channels, not 32."],
    [{ modules: 4 }, "The network has 3 modules, not 4."],
    [{ kernel_size: [5, 5] }, "The network has kernels of 3 × 3, not 5 × 5."],
    [{ mixing: "pointwise" }, "The network has no 1 × 1 convolutions between its modules."],
  ])) {
    assert.equal(stackLacks(stackState({ ...fits, ...patch }), entryOf()), sentence);
  }
  assert.equal(layerLacks(stateOf({ in_channels: 24, out_channels: 12 }), entryOf()), null);
  assert.equal(layerLacks(stateOf({ in_channels: 24, out_channels: 25 }), entryOf()), "The network has 24 channels, not 25.");
  assert.equal(layerLacks(stateOf({ in_channels: 8, out_channels: 8, kernel_size: [1, 1] }), entryOf()), "The network has kernels of 3 × 3, not 1 × 1.");
});

test("a network stands in every address that its weights are asked for by", () => {
  const trained = stackState({ weights: "trained", checkpoint: RUN });
  for (const query of [canonical(trained), numbersQuery(trained), stackQuery(trained, false), pictureKey(trained)]) {
    assert.ok(query.includes(`&weights=trained&checkpoint=${RUN}&`), query);
  }
  const layer = stateOf({ weights: "trained", checkpoint: RUN });
  for (const query of [layerCanonical(layer), mapsQuery(layer)]) assert.ok(query.includes(`&weights=trained&checkpoint=${RUN}&`), query);
  assert.deepEqual(parseLayer(layerCanonical(layer), {}).state, layer);
  assert.deepEqual(parseQuery(canonical(trained), {}).state, trained);
});

test("for other weights it stands nowhere, and is not forgotten", () => {
  const random = stackState({ weights: "random", checkpoint: RUN });
  assert.ok(!canonical(random).includes("checkpoint"));
  assert.equal(random.checkpoint, RUN);
  assert.ok(!layerCanonical(stateOf({ weights: "random", checkpoint: RUN })).includes("checkpoint"));
});

test("tiles of two networks are not taken for each other", () => {
  const groups = [{ index: 0, in_start: 0, in_channels: 4, out_start: 0, out_channels: 4 }];
  const [a, b] = [RUN, "fashion-uniform"].map((checkpoint) => tileKeys(stateOf({ weights: "trained", checkpoint }), groups, 56));
  assert.notDeepEqual(a, b);
});

test("what is no id of a network is replaced", () => {
  for (const text of ["../secret", "A", "a/b", "x".repeat(65)]) {
    const { state, errors } = parseQuery(`weights=trained&checkpoint=${encodeURIComponent(text)}`, {});
    assert.equal(state.checkpoint, "");
    assert.deepEqual(errors.map(({ field }) => field), ["checkpoint"]);
  }
});

test("the list stands in groups, and a run's networks are told apart", () => {
  const entries = [entryOf(), entryOf({ id: RUN, origin: "run" }), entryOf({ id: "a", origin: "run", arm: null, seed: null, accuracy: null, date: null, name: "mine" })];
  assert.deepEqual(inGroups(entries).map(({ label, entries: inside }) => [label, inside.map(optionText)]), [
    ["That ship with Groupscope", ["Fashion-MNIST, uniform"]],
    ["Trained here", ["uniform, seed 0, 86.4\u202f%, 2026-11-25", "mine"]],
  ]);
});

test("a page begins with the network it had, else with one of its own scheme", () => {
  const [other, own] = [entryOf({ id: "x", stack: { ...STACK, scheme: "standard", groups: 1 } }), entryOf()];
  assert.equal(preferred([other, own], "", "uniform"), own);
  assert.equal(preferred([other, own], "x", "uniform"), other);
  assert.equal(preferred([other, own], "gone", "depthwise"), other);
  assert.equal(preferred([], "x", "uniform"), undefined);
});

test("a network's own numbers go before the page's", () => {
  assert.equal(merged("a=1&b=2", "b=3&c=4,5"), "a=1&b=3&c=4%2C5");
});

test("whose weights they are is said with data, accuracy and date", () => {
  const of = { weights: /** @type {const} */ ("trained"), seed: 0, checkpoint: "fashion-uniform" };
  assert.equal(weightsText(of, entryOf()), "Trained weights: Fashion-MNIST, uniform, 86.4 % of 2,000 test images, 25 November 2026");
  assert.equal(weightsText(of, entryOf({ name: "mine", sentence: "its file names neither data nor accuracy" })), "Trained weights: mine, its file names neither data nor accuracy");
  assert.equal(weightsText(of, undefined), "Trained weights: network fashion-uniform");
  assert.equal(weightsText({ ...of, weights: "random", seed: 7 }, undefined), "Untrained weights: random numbers (He), seed 7");
  assert.equal(pictureLines(stackState(of), entryOf()).at(-1), weightsText(of, entryOf()));
});

test("how it saw pictures is said", () => {
  assert.equal(eyeText(entryOf()), "It saw 28 × 28 grey pictures; here it sees yours in grey, at the size you choose.");
  const own = entryOf({ data: { name: null, channels: 3, side: null, named: false } });
  assert.equal(eyeText(own), "It saw colour pictures; here it sees yours, at the size you choose. Its file does not say how they were standardised: the mean and deviation of ImageNet are taken.");
});
