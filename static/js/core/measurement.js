/**
 * One kind of measurement of what is on screen: what is kept of it, what runs now, what came out. A measurement goes on
 * when the page turns to another layer; coming back finds it, running or done.
 *
 * @typedef {{stage: string, done: number, total: number, seconds_left: number, partial?: any}} Progress
 * @typedef {{id: string, kind: string, query?: string, [more: string]: any}} Entry  of the queue or the list
 * @typedef {object} Standing
 * @property {"looking"|"none"|"asking"|"queued"|"running"|"done"} phase
 * @property {string|null} id  of what runs
 * @property {string|null} kept  id of the result
 * @property {number} position  in the queue; 0 is the next one
 * @property {Progress|null} progress
 * @property {any} result
 * @property {string|null} note  what became of the last attempt, where there is no result of it
 * @typedef {ReturnType<typeof createMeasurement>} Measurement
 */
import { ApiError, getJson, postJson, sentenceOf } from "./api.js";

/** @type {Standing} */
const NOTHING = { phase: "none", id: null, kept: null, position: 0, progress: null, result: null, note: null };

/**
 * @template {object} S
 * @param {object} deps
 * @param {import("./store.js").StoreOf<S>} deps.store
 * @param {string} deps.kind
 * @param {(state: Readonly<S>) => string} deps.key  equal keys, equal measurements
 * @param {(state: Readonly<S>, signal: AbortSignal) => Promise<{active: Entry|null, measurements: Entry[]}>} deps.find  what there is of it
 * @param {(state: Readonly<S>, signal: AbortSignal) => Promise<{id: string, position: number}>} deps.begin
 * @param {() => void} [deps.changed]  the queue or what is kept is another now
 */
export function createMeasurement({ store, kind, key, find, begin, changed = () => {} }) {
  /** @type {Set<(standing: Standing) => void>} */
  const readers = new Set();
  let standing = NOTHING;
  let looking = new AbortController();
  /** @type {EventSource|null} */
  let stream = null;

  /** @param {Partial<Standing>} patch */
  function become(patch) {
    standing = { ...standing, ...patch };
    for (const read of readers) read(standing);
  }

  function leave() {
    looking.abort();
    looking = new AbortController();
    stream?.close();
    stream = null;
  }

  /** What there is of the layer on screen: running, kept, or nothing. */
  async function look() {
    leave();
    const { signal } = looking;
    become({ ...NOTHING, phase: "looking", result: standing.result, kept: standing.kept });
    try {
      const found = await find(store.get(), signal);
      if (signal.aborted) return;
      if (found.active) {
        become({ result: null, kept: null });
        return follow(found.active.id);
      }
      const [kept] = found.measurements;
      const result = kept ? await getJson(`/api/measurements/${kept.id}`, { signal }) : null;
      if (!signal.aborted) become({ ...NOTHING, phase: result ? "done" : "none", kept: kept?.id ?? null, result });
    } catch (error) {
      if (!signal.aborted) become({ ...NOTHING, note: error instanceof ApiError && error.refused ? null : sentenceOf(/** @type {Error} */ (error)) });
    }
  }

  async function start() {
    leave();
    const { signal } = looking;
    become({ phase: "asking", note: null });
    try {
      const { id, position } = await begin(store.get(), signal);
      changed();
      become({ position });
      follow(id);
    } catch (error) {
      if (signal.aborted) return;
      become({ phase: standing.result ? "done" : "none", note: sentenceOf(/** @type {Error} */ (error)) });
    }
  }

  /** @param {string} id */
  function follow(id) {
    become({ phase: "queued", id, progress: null, note: null });
    const events = new EventSource(`/api/measurements/${id}/events`);
    stream = events;
    /** @param {string} name @param {(data: any) => void} handle */
    const on = (name, handle) => events.addEventListener(name, (event) => {
      if (stream === events) handle(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
    on("queued", ({ position }) => become({ phase: "queued", position }));
    on("progress", (progress) => become({ phase: "running", progress }));
    on("result", (result) => finish({ phase: "done", id: null, kept: result.id, progress: null, result, note: result.stored === false ? result.stored_reason : null }));
    on("cancelled", () => finish({ ...NOTHING, note: "Cancelled: nothing was kept of it." }));
    on("failed", ({ error }) => finish({ ...NOTHING, note: new ApiError(0, error).sentence }));
    events.addEventListener("error", () => {
      if (stream === events && events.readyState === EventSource.CLOSED) void look(); // refused: that tells why
    });
  }

  /** @param {Partial<Standing>} patch */
  function finish(patch) {
    stream?.close();
    stream = null;
    become(patch);
    changed();
  }

  async function cancel() {
    if (standing.id) await postJson(`/api/measurements/${standing.id}/cancel`, undefined).catch(() => {});
    changed();
  }

  const unsubscribe = store.subscribe((next, prev) => {
    if (key(next) !== key(prev)) void look();
  });

  return {
    kind,
    get: () => standing,
    look,
    start,
    cancel,
    /** @param {(standing: Standing) => void} read */
    subscribe(read) {
      readers.add(read);
      read(standing);
      return () => readers.delete(read);
    },
    end() {
      unsubscribe();
      leave();
    },
  };
}
