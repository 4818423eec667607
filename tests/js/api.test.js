/** What the page makes of the server's answers: inline failures, plain ones, and none at all. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, CLIENT, getBytes, getJson, postJson, remove, sendFile } from "../../static/js/core/api.js";

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

test("every request of a page carries the same id, and another page draws another", async (t) => {
  const asked = serve(t, () => new Response("{}"));
  await getJson("/api/layer");
  await remove("/api/images/1");
  await sendFile("/api/checkpoints", new Blob(["x"]));
  await postJson("/api/networks/analyze", {});
  const sent = new Set(asked.map(({ headers }) => headers["Groupscope-Client"]));
  assert.deepEqual([...sent], [CLIENT.value]);
  assert.match(CLIENT.value, /^[A-Za-z0-9_-]{16,64}$/);
  const { CLIENT: another } = await import("../../static/js/core/api.js?another");
  assert.match(another.value, /^[A-Za-z0-9_-]{16,64}$/);
  assert.notEqual(another.value, CLIENT.value);
});

test("a crash is told with what the log calls it; nothing else is", async (t) => {
  const told = (/** @type {number} */ status) => new Response(JSON.stringify({ error: { ...refusal, code: "internal", message: "The server failed on this request", hint: "the server's log says why" }, request_id: "3f2a9c01" }), { status });
  const answers = [told(500), told(503)];
  serve(t, () => /** @type {Response} */ (answers.shift()));
  assert.equal((await errorOf(getJson("/api/layer"))).sentence, "The server failed on this request; the server's log says why; mention request 3f2a9c01 when you report this.");
  assert.equal((await errorOf(getJson("/api/layer"))).sentence, "The server failed on this request; the server's log says why.");
});

test("what is refused is refused again; signing in and waiting mend the rest", () => {
  const kinds = (/** @type {[number, string][]} */ ...all) => all.map(([status, code]) => {
    const { refused, passing } = new ApiError(status, { ...refusal, code });
    return refused ? "refused" : passing ? "passing" : "again";
  });
  assert.deepEqual(kinds([422, "invalid_split"], [404, "not_found"], [429, "too_many_tries"]), ["refused", "refused", "refused"]);
  assert.deepEqual(kinds([503, "busy"], [503, "starting"], [429, "too_fast"]), ["passing", "passing", "passing"]);
  assert.deepEqual(kinds([401, "token_needed"], [500, "internal"], [503, "engine_failed"], [0, "unreachable"]), ["again", "again", "again", "again"]);
});
