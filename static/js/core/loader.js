/**
 * What the server says of a part of the page's state: asked for when that part changes. The last request wins, and the
 * old answer stands until the new one is there.
 *
 * @template D
 * @typedef {object} Reader
 * @property {HTMLElement} host  its `data-painted` tells the state it shows
 * @property {Element} element  dimmed while its picture is out of date
 * @property {(data: D) => void|Promise<void>} show
 */
import { createBusy } from "./busy.js";
import { createLatest } from "./latest.js";

/**
 * @template {object} S
 * @template D
 * @param {object} options
 * @param {import("./store.js").StoreOf<S>} options.store
 * @param {(state: Readonly<S>) => string} options.key  equal keys, equal answers
 * @param {(state: Readonly<S>, signal: AbortSignal) => Promise<D>} options.load
 * @param {(state: Readonly<S>) => string} options.canonical  the whole state, as `data-painted` has it
 * @param {(error: Error, state: Readonly<S>) => void} options.fail
 * @param {() => void} [options.good]  an answer came: whatever was wrong is not any more
 */
export function createLoader({ store, key, load, canonical, fail, good = () => {} }) {
  const latest = createLatest();
  /** @typedef {Reader<D> & {busy: ReturnType<typeof createBusy>, drawing: number}} Entry */
  /** @type {Set<Entry>} */
  const readers = new Set();
  /** @type {{key: string, data: D}|null} */
  let held = null;
  /** What was asked for last. */
  let wanted = "";
  /** An answer asked for before its state is there. @type {{key: string, data: Promise<D>}|null} */
  let early = null;

  function refresh() {
    const state = store.get();
    wanted = key(state);
    if (held?.key === wanted) {
      latest.cancel();
      announce().catch((error) => failed(error, state));
      return;
    }
    for (const { busy } of readers) busy.begin();
    latest.submit((signal) => ask(state, signal));
  }

  /**
   * @param {Readonly<S>} state
   * @param {AbortSignal} signal
   */
  async function ask(state, signal) {
    const asked = key(state);
    try {
      const data = await (early?.key === asked ? early.data : load(state, signal)).finally(() => (early = null));
      if (signal.aborted) return;
      held = { key: asked, data };
      await announce();
    } catch (error) {
      if (!signal.aborted && asked === wanted) failed(error, state);
    }
  }

  /**
   * @param {unknown} error
   * @param {Readonly<S>} state
   */
  function failed(error, state) {
    for (const { busy } of readers) busy.end();
    if (!(error instanceof Error)) throw error;
    fail(error, state);
  }

  async function announce() {
    if (!held) return;
    const { key: shown, data } = held;
    if (shown === wanted) good();
    await Promise.all([...readers].map((reader) => tell(reader, shown, data)));
  }

  /**
   * @param {Entry} reader
   * @param {string} shown
   * @param {D} data
   */
  async function tell(reader, shown, data) {
    reader.drawing += 1;
    try {
      await reader.show(data);
    } finally {
      reader.drawing -= 1;
    }
    const state = store.get();
    if (shown !== key(state) || reader.drawing) return;
    reader.busy.end();
    reader.host.dataset.painted = canonical(state);
  }

  const unsubscribe = store.subscribe((next, prev) => {
    if (key(next) !== key(prev)) return refresh();
    if (held?.key !== wanted || canonical(next) === canonical(prev)) return;
    for (const { host, drawing } of readers) if (!drawing) host.dataset.painted = canonical(next);
  });

  return {
    refresh,
    get: () => held?.data ?? null,

    /** Whether the answer held is the one to the present state. */
    current: () => held?.key === key(store.get()),

    /**
     * Asks for what will be wanted should `state` come about.
     * @param {Readonly<S>} state
     */
    ahead(state) {
      early = { key: key(state), data: load(state, new AbortController().signal) };
      early.data.catch(() => {}); // should the state come about, it is told then
    },

    /**
     * An answer that somebody has already.
     * @param {Readonly<S>} state
     * @param {D} data
     */
    prime(state, data) {
      held = { key: key(state), data };
    },

    /** @param {Reader<D>} reader */
    subscribe(reader) {
      const entry = { ...reader, busy: createBusy(reader.element), drawing: 0 };
      readers.add(entry);
      if (held) tell(entry, held.key, held.data).catch((error) => failed(error, store.get()));
      return () => {
        readers.delete(entry);
        entry.busy.end();
      };
    },

    destroy() {
      unsubscribe();
      latest.cancel();
      for (const { busy } of readers) busy.end();
      readers.clear();
    },
  };
}
