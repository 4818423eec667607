/**
 * A store that tells of changes a moment later: once the panel that follows the finger shows them, or after MOST_MS. On
 * a machine of few cores whatever else redraws at once takes its time from the device that computes for that panel.
 * Steps between two announcements are told as one.
 */
import { shown } from "./shown.js";

const MOST_MS = 120;

/** @returns {Promise<void>} */
const nextFrame = () => new Promise((resolve) => {
  if ("requestAnimationFrame" in globalThis) requestAnimationFrame(() => setTimeout(resolve));
  else setTimeout(resolve);
});

/**
 * @template {object} S
 * @param {import("./store.js").StoreOf<S>} store
 * @param {string} panel  id of the one that goes first
 * @param {(state: Readonly<S>) => string} canonical  as its `data-painted` has it
 * @param {typeof shown} [until]
 * @returns {import("./store.js").StoreOf<S>}
 */
export function createTrailing(store, panel, canonical, until = shown) {
  /** @type {Set<(state: Readonly<S>, prev: Readonly<S>) => void>} */
  const listeners = new Set();
  let told = store.get();
  let waiting = false;

  async function announce() {
    await until(panel, () => canonical(store.get()), MOST_MS);
    await nextFrame(); // the one with that panel
    waiting = false;
    const [prev, state] = [told, store.get()];
    told = state;
    if (state !== prev) for (const listener of [...listeners]) listener(state, prev);
  }

  store.subscribe(() => {
    if (waiting) return;
    waiting = true;
    void announce();
  });
  return {
    get: store.get,
    update: store.update,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
