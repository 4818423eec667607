/**
 * The server's trained networks: asked for when somebody first looks through one, then at hand for every panel.
 *
 * @typedef {import("../model/trained.js").Entry} Entry
 * @typedef {ReturnType<typeof createTrained>} Trained
 */
import { getJson } from "./api.js";

export function createTrained() {
  /** @type {readonly Entry[]} */
  let entries = [];
  /** @type {Promise<void>|null} */
  let coming = null;
  /** @type {Set<() => void>} */
  const listeners = new Set();

  /** @param {readonly Entry[]} next */
  function hold(next) {
    entries = next;
    for (const listener of [...listeners]) listener();
  }

  async function fetchAll() {
    try {
      hold((await getJson("/api/checkpoints")).checkpoints);
    } catch (error) {
      coming = null;
      throw error;
    }
  }

  return {
    all: () => entries,

    /** @param {{weights: string, checkpoint: string}} state @returns {Entry|undefined} undefined where weights are others */
    of: ({ weights, checkpoint }) => (weights === "trained" ? entries.find(({ id }) => id === checkpoint) : undefined),

    /** Once; after a failure it may be asked again. */
    load: () => (coming ??= fetchAll()),

    /** @param {Entry} entry */
    add: (entry) => hold([...entries.filter(({ id }) => id !== entry.id), entry]),

    /** @param {string} id */
    drop: (id) => hold(entries.filter((entry) => entry.id !== id)),

    /** @param {() => void} listener  whenever there are others @returns {() => void} its end */
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
