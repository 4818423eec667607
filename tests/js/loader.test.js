/** Answers of the server as a page holds them: which is shown, which is thrown away, what `data-painted` says. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLoader } from "../../static/js/core/loader.js";
import { createStore } from "../../static/js/core/store.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const store = createStore({ groups: 4, metric: "macs" });
  /** @type {Record<string, {resolve: (data: string) => void, reject: (error: Error) => void}>} */
  const asked = {};
  /** @type {string[]} */
  const log = [];
  const loader = createLoader({
    store,
    key: (/** @type {{groups: number}} */ { groups }) => String(groups),
    canonical: ({ groups, metric }) => `${groups} ${metric}`,
    load: ({ groups }) => /** @type {Promise<string>} */ (new Promise((resolve, reject) => (asked[groups] = { resolve, reject }))),
    fail: (error) => log.push(`failed: ${error.message}`),
  });
  const host = /** @type {any} */ ({ dataset: {} });
  const element = /** @type {any} */ ({ setAttribute() {}, removeAttribute() {} });
  loader.subscribe({ host, element, show: (/** @type {string} */ data) => void log.push(`show ${data}`) });
  loader.refresh();
  return { store, loader, asked, log, host };
}

test("an answer is shown once, and other changes of the state only repaint its mark", async () => {
  const { store, asked, log, host } = setUp();
  asked[4].resolve("four");
  await turn();
  store.update({ metric: "params" });
  assert.deepEqual(log, ["show four"]);
  assert.equal(host.dataset.painted, "4 params");
});

test("an answer in time is shown while a newer one is awaited, but is not said to be current", async () => {
  const { store, asked, log, host } = setUp();
  store.update({ groups: 5 });
  asked[4].resolve("four");
  await turn();
  assert.deepEqual([log, host.dataset.painted], [["show four"], undefined]);
  asked[5].resolve("five");
  await turn();
  assert.deepEqual([log, host.dataset.painted], [["show four", "show five"], "5 macs"]);
});

test("an answer that somebody has already is not asked for again", async () => {
  const { store, loader, asked, log } = setUp();
  asked[4].resolve("four");
  await turn();
  loader.prime({ groups: 6, metric: "macs" }, "six");
  store.update({ groups: 6 });
  await turn();
  assert.deepEqual(log, ["show four", "show six"]);
  assert.deepEqual(Object.keys(asked), ["4"]);
});

test("a failure of what is wanted is told, one of what is not is silent", async () => {
  const { store, asked, log } = setUp();
  store.update({ groups: 5 });
  asked[4].reject(new Error("old"));
  await turn();
  asked[5].reject(new Error("new"));
  await turn();
  assert.deepEqual(log, ["failed: new"]);
});

test("what was asked for ahead is not asked for again, and what never came about is forgotten", async () => {
  const { store, loader, asked, log } = setUp();
  asked[4].resolve("four");
  await turn();
  loader.ahead({ groups: 7, metric: "macs" });
  asked[7].reject(new Error("never told"));
  await turn();
  loader.ahead({ groups: 8, metric: "macs" });
  const first = asked[8];
  store.update({ groups: 8 });
  assert.equal(asked[8], first);
  first.resolve("eight");
  await turn();
  assert.deepEqual(log, ["show four", "show eight"]);
});

test("a failure asked for ahead is told, and the next attempt asks again", async () => {
  const { store, loader, asked, log } = setUp();
  asked[4].resolve("four");
  await turn();
  loader.ahead({ groups: 7, metric: "macs" });
  const first = asked[7];
  first.reject(new Error("lost"));
  store.update({ groups: 7 });
  await turn();
  loader.refresh();
  await turn();
  assert.notEqual(asked[7], first);
  asked[7].resolve("seven");
  await turn();
  assert.deepEqual(log, ["show four", "failed: lost", "show seven"]);
});

test("a drawing that fails is told, and the next one counts again", async () => {
  const { store, loader, asked, log, host } = setUp();
  const other = /** @type {any} */ ({ dataset: {} });
  const element = /** @type {any} */ ({ setAttribute() {}, removeAttribute() {} });
  let broken = true;
  loader.subscribe({ host: other, element, show: () => { if (broken) throw new Error("no ink"); } });
  asked[4].resolve("four");
  await turn();
  broken = false;
  store.update({ groups: 5 });
  asked[5].resolve("five");
  await turn();
  assert.deepEqual(log, ["show four", "failed: no ink", "show five"]);
  assert.deepEqual([host.dataset.painted, other.dataset.painted], ["5 macs", "5 macs"]);
});
