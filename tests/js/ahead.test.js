/** What is fetched ahead: nearest first and no more than is kept; refusals are told, and a server that is away is asked again. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createAhead } from "../../static/js/core/ahead.js";
import { ApiError } from "../../static/js/core/api.js";
import { aheadOf } from "../../static/js/core/stackmaps.js";
import { parseQuery, settle } from "../../static/js/model/stackstate.js";

/** @param {Partial<import("../../static/js/model/stackstate.js").StackState>} patch */
const stateOf = (patch) => settle(parseQuery("", {}).state, patch);
const depths = (/** @type {{module: number}[]} */ list) => [...new Set(list.map(({ module }) => module))];

test("nearest depths come first, every side and point of them", () => {
  const list = aheadOf(stateOf({ modules: 4, module: 3, compare: true, point: "sum" }), 64);
  assert.deepEqual(depths(list), [3, 2, 4, 1, 0]);
  assert.deepEqual(list.slice(0, 6).map(({ side, point }) => `${side} ${point}`), ["a sum", "a output", "b sum", "b output", "difference sum", "difference output"]);
  assert.deepEqual(list.filter(({ module }) => module === 0).map(({ point }) => point), Array(3).fill("output"), "the stem has nothing else");
});

test("what is asked for ahead is kept all at once, and what is on screen always", () => {
  const state = stateOf({ in_channels: 10, size: 32, modules: 16, module: 8 });
  const each = 10 * 32 ** 2;
  for (const room of [0, 1, 3, 8, 17, 40]) {
    const list = aheadOf(state, 64, room * each);
    assert.equal(list.length, Math.min(17, Math.max(1, room)));
    assert.equal(list[0].module, 8);
    const farthest = Math.max(...list.map(({ module }) => Math.abs(module - 8)));
    assert.equal(farthest, Math.floor(list.length / 2), "no depth is passed over");
  }
  // Halved maps are a quarter as many bytes; tiles of the whole picture are never larger than asked for.
  const halved = stateOf({ in_channels: 10, size: 32, modules: 3, module: 3, downsample: "max", stage: 1 });
  assert.deepEqual(depths(aheadOf(halved, 16, 10 * (8 ** 2 + 16 ** 2 + 16 ** 2))), [3, 2, 1]);
});

const refusal = (/** @type {number} */ status, message = "No", code = { 0: "unreachable", 503: "busy" }[status] ?? "x") =>
  new ApiError(status, { code, message, field: null, hint: null });

/**
 * Fetches 1 to 4 and tells what happened; a number fails as `failing` says, as often as it says.
 * @param {Record<number, [Error, number]>} failing
 */
async function fetched(failing) {
  /** @type {string[]} */
  const log = [];
  const asked = new Map();
  let last = () => {};
  const ended = new Promise((resolve) => (last = () => resolve(undefined)));
  const ahead = createAhead(/** @type {Parameters<typeof createAhead<number>>[0]} */ ({
    async load(n) {
      asked.set(n, (asked.get(n) ?? 0) + 1);
      const [error, times] = failing[n] ?? [null, 0];
      if (error && asked.get(n) <= times) throw error;
    },
    came(n) {
      log.push(`${n}`);
      if (n === 4) last();
    },
    refused(n, sentence) {
      log.push(`${n} ${sentence}`);
      if (n === 4) last();
    },
  }), { restMs: 0, retryMs: 1, tries: 3 });
  ahead.start([1, 2, 3, 4]);
  await ended;
  return { log, asked: Object.fromEntries(asked) };
}

test("what is refused is told, and the rest goes on", async () => {
  assert.deepEqual(await fetched({ 2: [refusal(422, "Too much"), 9] }), { log: ["1", "2 Too much.", "3", "4"], asked: { 1: 1, 2: 1, 3: 1, 4: 1 } });
  const late = refusal(503, "Too long", "engine_failed"); // asked again it would take as long
  assert.deepEqual(await fetched({ 2: [late, 9] }), { log: ["1", "2 Too long.", "3", "4"], asked: { 1: 1, 2: 1, 3: 1, 4: 1 } });
});

test("a server that is busy or away is asked again, a few times", async () => {
  assert.deepEqual(await fetched({ 2: [refusal(503), 2], 3: [refusal(0), 2] }), { log: ["1", "2", "3", "4"], asked: { 1: 1, 2: 3, 3: 3, 4: 1 } });
  assert.deepEqual(await fetched({ 3: [refusal(503, "Busy"), 9] }), { log: ["1", "2", "3 Busy.", "4 Busy."], asked: { 1: 1, 2: 1, 3: 3 } });
  assert.deepEqual(await fetched({ 2: [refusal(404, "Gone"), 9] }), { log: ["1", "2 Gone.", "3 Gone.", "4 Gone."], asked: { 1: 1, 2: 1 } });
});

test("nothing is fetched, told or asked again once something else is wanted", async () => {
  /** @type {string[]} */
  const log = [];
  const ahead = createAhead(/** @type {Parameters<typeof createAhead<number>>[0]} */ ({
    load: async (n) => {
      log.push(`ask ${n}`);
      if (n === 1) throw refusal(503);
    },
    came: (n) => log.push(`came ${n}`), refused: (n) => log.push(`refused ${n}`),
  }), { restMs: 0, retryMs: 5, tries: 9 });
  ahead.start([1, 2]);
  await new Promise((resolve) => setTimeout(resolve, 2));
  ahead.start([3]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  ahead.start([4]);
  ahead.cancel();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(log, ["ask 1", "ask 3", "came 3"]);
});
