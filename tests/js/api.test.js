/** What the page makes of the server's answers: inline failures, plain ones, and none at all. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, getBytes, getJson } from "../../static/js/core/api.js";

const refusal = { code: "invalid_split", message: "groups must divide in_channels: 64 % 3 = 1", field: "groups", hint: "use 4" };

/**
 * Answers every fetch with `answer()`; returns what was asked.
 * @param {import("node:test").TestContext} t
 * @param {() => Response|Promise<Response>} answer
 */
function serve(t, answer) {
  /** @type {{path: string, headers: Record<string, string>}[]} */
  const asked = [];
  t.mock.method(globalThis, "fetch", async (/** @type {string} */ path, /** @type {any} */ { headers }) => {
    asked.push({ path, headers });
    return answer();
  });
  return asked;
}

/** A body that breaks off after its first bytes. */
const broken = () => {
  let begun = false;
  return new Response(
    new ReadableStream({
      pull(stream) {
        if (begun) stream.error(new TypeError("network error"));
        else stream.enqueue(new TextEncoder().encode('{"macs": '));
        begun = true;
      },
    }),
  );
};

/** @param {Promise<unknown>} asking */
const errorOf = (asking) =>
  asking.then(
    () => assert.fail("there should be an error"),
    (error) => error,
  );

test("a failure inside a 200 is an error with its own status, code and field", async (t) => {
  const inline = () => new Response(JSON.stringify({ error: refusal }), { headers: { "Groupscope-Status": "422" } });
  const asked = serve(t, inline);
  const error = await errorOf(getJson("/api/layer"));
  assert.ok(error instanceof ApiError);
  assert.deepEqual({ status: error.status, code: error.code, field: error.field }, { status: 422, code: "invalid_split", field: "groups" });
  assert.equal(error.sentence, "Groups must divide in_channels: 64 % 3 = 1; use 4.");
  assert.equal(asked[0].headers["Groupscope-Errors"], "inline");
});

test("a plain failure is the same error; one without an explanation says its status", async (t) => {
  const answers = [new Response(JSON.stringify({ error: refusal }), { status: 422 }), new Response("oops", { status: 502 })];
  serve(t, () => /** @type {Response} */ (answers.shift()));
  assert.equal((await errorOf(getBytes("/api/feature-maps"))).code, "invalid_split");
  const unexplained = await errorOf(getBytes("/api/feature-maps"));
  assert.deepEqual([unexplained.status, unexplained.code], [502, "http"]);
  assert.equal(unexplained.sentence, "The server answered 502 without an explanation.");
});

test("no answer, and an answer that breaks off, are a server that cannot be reached", async (t) => {
  const answers = [() => Promise.reject(new TypeError("Failed to fetch")), broken, broken];
  serve(t, () => /** @type {() => Response|Promise<Response>} */ (answers.shift())());
  for (const get of [getJson, getBytes, getJson]) {
    const error = await errorOf(get("/api/layer"));
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code], [0, "unreachable"]);
  }
});

test("an abort stays an abort", async (t) => {
  serve(t, () => Promise.reject(new DOMException("superseded", "AbortError")));
  assert.equal((await errorOf(getJson("/api/layer"))).name, "AbortError");
});

test("an answer is its JSON or its bytes", async (t) => {
  serve(t, () => new Response('{"macs": 7}'));
  assert.deepEqual(await getJson("/api/layer"), { macs: 7 });
  assert.equal((await getBytes("/api/layer")).byteLength, 11);
});
