/** The training page's state: the same through its link, whatever the link asks for; and what its sentences say. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { canonical, isRunOf, parseQuery, runQuery, settle } from "../../static/js/model/trainstate.js";
import { blocksSentence, confusionSentence, deadSentence, epochsThatFit, estimateText, listed, percent, points, sizesText, spread, summed, widestSentence } from "../../static/js/model/trainwords.js";

const start = parseQuery("", {}).state;
const ID = "0123456789abcdef0123456789abcdef";
/** @param {Partial<import("../../static/js/model/trainstate.js").TrainState>} patch */
const after = (patch) => settle(start, patch);

test("a link opens what it was made of, the run on screen and how it is looked at", () => {
  const state = after({
    arms: ["uniform", "depthwise"], groups: 3, base: 3, width: 30, hold: "macs", modules: 2, stage: 2, residual: false, mixing: "rotated",
    seeds: 5, seed: 7, epochs: 2, batch: 50, learning_rate: 0.05, momentum: 0, weight_decay: 5e-7, data: "own", x: "macs", y: "loss",
    confusion: "depthwise", arm: "uniform", module: 2, run: ID, compare: ID.replace("0", "1"),
  });
  assert.deepEqual(parseQuery(canonical(state), {}), { state, errors: [] });
  assert.ok(!runQuery(state).includes(ID) && !/[?&](x|y|arm|module)=/.test(`?${runQuery(state)}`));
});

test("what no run is on screen is not in the link", () => {
  assert.ok(!canonical(start).includes("run="));
  assert.ok(canonical(start).startsWith("arms=standard,uniform,logarithmic&groups=4&"));
});

test("arms keep their order and never fall below two", () => {
  assert.deepEqual(after({ arms: ["logarithmic", "standard"] }).arms, ["standard", "logarithmic"]);
  assert.deepEqual(after({ arms: ["uniform"] }).arms, start.arms);
  const { state, errors } = parseQuery("?arms=uniform", {});
  assert.deepEqual([state.arms, errors.map(({ field }) => field)], [start.arms, ["arms"]]);
});

test("a run is not compared with itself", () => {
  assert.equal(after({ run: ID, compare: ID }).compare, "");
});

test("what a link gets wrong is replaced and said", () => {
  const { state, errors } = parseQuery(`?arms=standard,dense&learning_rate=fast&seeds=9&run=../../etc&hold=time&module=1`, {});
  assert.deepEqual([state.arms.length, state.learning_rate, state.seeds, state.run, state.hold], [3, 0.1, 1, "", "params"]);
  assert.deepEqual(errors.map(({ field }) => field).toSorted(), ["arms", "hold", "learning_rate", "run", "seeds"]);
});

test("the server's limits and defaults hold", () => {
  const params = { epochs: { default: 6, max: 9 }, learning_rate: { min: 0.001 } };
  assert.equal(parseQuery("", params).state.epochs, 6);
  assert.deepEqual(parseQuery("?epochs=10&learning_rate=0", params).errors.map(({ field }) => field), ["epochs", "learning_rate"]);
  assert.equal(parseQuery("?learning_rate=5e-2", params).state.learning_rate, 0.05);
});

test("a run is known again by its query, in any order and without defaults", () => {
  assert.ok(isRunOf("epochs=2&groups=3", after({ groups: 3, epochs: 2, run: ID }), {}));
  assert.ok(!isRunOf("epochs=2&groups=4", after({ groups: 3, epochs: 2 }), {}));
});

test("shares, points and estimates in words", () => {
  assert.deepEqual([0.8642, 1, null].map(percent), ["86.4\u202f%", "100.0\u202f%", "–"]);
  assert.deepEqual([0.0123, -0.004, -0.0001].map(points), ["+1.2", "−0.4", "0.0"]);
  assert.equal(listed(["standard", "uniform", "logarithmic"]), "standard, uniform and logarithmic");
  assert.equal(sizesText("12x12,12x12, 6x6,1x1"), "2 of 12\u202f×\u202f12, 6\u202f×\u202f6, 1\u202f×\u202f1");
  const plan = { estimate_seconds: 70, limit_seconds: 600, allowed: true, waiting: 1, epochs: 4 };
  assert.equal(estimateText(plan), "Takes about 70\u202fs on this device. Behind another run.");
  assert.equal(estimateText({ ...plan, estimate_seconds: 700, allowed: false }), "Would take 11\u202fmin 40\u202fs on this device; the limit is 10\u202fmin.");
  assert.equal(epochsThatFit({ ...plan, estimate_seconds: 1050 }), 2);
});

test("confusion is summed over seeds and its worst pair named", () => {
  const matrix = summed([[[3, 1], [0, 2]], null, [[2, 2], [1, 3]]]);
  assert.deepEqual(matrix, [[5, 3], [1, 5]]);
  assert.equal(confusionSentence(/** @type {number[][]} */ (matrix), ["Coat", "Bag"]), "71.4\u202f% of 14 held-out images are told right. Most often mistaken: Coat for Bag, 3 of 8.");
  assert.equal(summed([null, undefined]), null);
});

/** @param {number[]} widths @param {number[]} energies @param {number} inside */
const module = (widths, energies, inside) => ({
  module: 1, rank: 3, dead: 0, inside, inside_expected: 0.375, blocks: [],
  groups: widths.map((width, index) => ({ index, in_channels: width, out_channels: width, weight_energy: 0, weight_rms: 1, activation_energy: energies[index], activation_rms: 1, dead: 0, rank: 1 })),
});
/** @param {ReturnType<typeof module>[]} modules */
const look = (...modules) => ({ step: 1, arm: "logarithmic", stem: { dead: 0 }, modules: modules.map((each, m) => ({ ...each, module: m + 1 })) });

test("whether the widest group carries most is answered with its numbers", () => {
  const wide = module([4, 2, 2], [0.6, 0.3, 0.1], 0.7);
  const narrow = module([4, 2, 2], [0.2, 0.5, 0.3], 0.4);
  assert.match(widestSentence(look(wide)), /^Yes, the widest group carries most: with 50\.0\u202f% of the channels it has 60\.0\u202f% in module 1 of/);
  assert.match(widestSentence(look(wide, narrow)), /^The widest group carries most in 1 of 2 modules/);
  assert.match(widestSentence(look(narrow)), /^No, /);
  assert.match(widestSentence(look(module([4, 4], [0.7, 0.3], 0.5))), /an even share is 50\.0\u202f%.*is 70\.0\u202f%/);
  const start = { inside: [0.5, 0.4], activation_energy: [[0.3, 0.4, 0.3], [0.5, 0.2, 0.3]] };
  assert.match(widestSentence({ ...look(wide, narrow), start }), / Untrained: 30\.0\u202f%, 50\.0\u202f%\.$/);
  assert.match(blocksSentence(look(wide)), /^Of the squared covariance.* 70\.0\u202f% in module 1 lies within the groups, which are 37\.5\u202f% of the pairs\.$/);
  assert.match(blocksSentence({ ...look(wide), start }), /^Yes, blocks form: .*70\.0\u202f% in module 1 now lies .* Untrained: 50\.0\u202f%/);
  assert.match(blocksSentence({ ...look(wide, narrow), start }), /^Blocks form in 1 of 2 modules/);
  assert.match(blocksSentence({ ...look(narrow), start }), /^No, blocks dissolve: /);
  assert.match(blocksSentence({ ...look(module([4, 2, 2], [1, 0, 0], 0.51)), start }), /^No, blocks stay as they were/);
  assert.match(blocksSentence(look(module([8], [1], 1))), /^Without groups/);
});

test("dead maps are counted where they are", () => {
  const dead = { ...look(module([4], [1], 1)), stem: { dead: 2 } };
  assert.equal(deadSentence(dead), "Dead maps, zero on every image looked at: 2 after the stem.");
  assert.equal(deadSentence(look(module([4], [1], 1))), "No map is dead.");
});

test("long curves are read at evenly spread places", () => {
  assert.deepEqual(spread(3, 5), [0, 1, 2]);
  assert.deepEqual(spread(101, 5), [0, 25, 50, 75, 100]);
});
