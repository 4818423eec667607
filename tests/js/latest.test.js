/** The last change wins: what runs, what is skipped, what is aborted. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createLatest } from "../../static/js/core/latest.js";

function recorder() {
  /** @type {string[]} */
  const log = [];
  /** @type {Record<string, () => void>} */
  const finish = {};
  /** @param {string} name */
  const job = (name) => (/** @type {AbortSignal} */ signal) => {
    log.push(`start ${name}`);
    signal.addEventListener("abort", () => log.push(`abort ${name}`));
    return /** @type {Promise<void>} */ (new Promise((resolve) => (finish[name] = resolve)));
  };
  return { log, finish, job };
}

/** @param {import("node:test").TestContext} t */
function fakeClock(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  return {
    /** @param {number} ms */
    tick(ms) {
      for (let i = 0; i < ms; i++) {
        now += 1;
        t.mock.timers.tick(1);
      }
      t.mock.timers.tick(0);
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a job starts in the task that submits it", () => {
  const { log, job } = recorder();
  createLatest().submit(job("a"));
  assert.deepEqual(log, ["start a"]);
});

test("of many submitted meanwhile only the newest runs, when the first is done", async () => {
  const { log, finish, job } = recorder();
  const latest = createLatest({ least: 60_000, most: 60_000 });
  for (const name of ["a", "b", "c", "d"]) latest.submit(job(name));
  assert.deepEqual(log, ["start a"]);
  finish.a();
  await turn();
  assert.deepEqual(log, ["start a", "start d"]);
  finish.d();
  await turn();
  latest.submit(job("e"));
  assert.deepEqual(log, ["start a", "start d", "start e"]);
  latest.cancel();
});

test("past its grace a superseded job is aborted and the newest starts", (t) => {
  const clock = fakeClock(t);
  const { log, job } = recorder();
  const latest = createLatest({ least: 80 });
  latest.submit(job("a"));
  clock.tick(1000);
  assert.deepEqual(log, ["start a"], "nobody wants anything newer");
  latest.submit(job("b"));
  latest.submit(job("c"));
  clock.tick(0);
  assert.deepEqual(log, ["start a", "abort a", "start c"]);
});

test("a drag of slow jobs aborts some, but lets one through in the end", async (t) => {
  const clock = fakeClock(t);
  const { log, finish, job } = recorder();
  const latest = createLatest({ least: 80, most: 1000 });
  const names = Array.from("abcdefghij");
  latest.submit(job("a"));
  for (const name of names.slice(1)) {
    latest.submit(job(name));
    clock.tick(50);
  }
  assert.deepEqual(log, ["start a", "abort a", "start c", "abort c", "start f"], "80 ms, then twice as long each time");
  finish.f();
  await turn();
  assert.deepEqual(log.slice(5), ["start j"]);
});

test("the grace has a limit", (t) => {
  const clock = fakeClock(t);
  const { log, job } = recorder();
  const latest = createLatest({ least: 80, most: 100 });
  latest.submit(job("a"));
  clock.tick(5000);
  for (const name of ["b", "c"]) {
    latest.submit(job(name));
    clock.tick(100);
  }
  assert.deepEqual(log, ["start a", "abort a", "start b", "abort b", "start c"]);
});

test("an aborted job that ends late makes room for nothing", async () => {
  const { log, finish, job } = recorder();
  const latest = createLatest({ least: 60_000, most: 60_000 });
  latest.submit(job("a"));
  latest.cancel();
  latest.submit(job("b"));
  latest.submit(job("c"));
  finish.a();
  await turn();
  assert.deepEqual(log, ["start a", "abort a", "start b"]);
  finish.b();
  await turn();
  assert.deepEqual(log.slice(3), ["start c"]);
  latest.cancel();
});
