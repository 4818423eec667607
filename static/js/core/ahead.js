/**
 * Fetches what will be wanted next: one after another, once the page rests, until something else is wanted. What the
 * server refuses is told, and the rest goes on; a server that is busy or away is asked again a few times.
 */
import { ApiError } from "./api.js";

const REST_MS = 120; // a drag comes first
const RETRY_MS = 2000;
const TRIES = 5; // in a row without an answer

/**
 * @template W
 * @param {object} options
 * @param {(wanted: W, signal: AbortSignal) => Promise<unknown>} options.load
 * @param {(wanted: W) => void} options.came
 * @param {(wanted: W, sentence: string) => void} options.refused
 * @param {{restMs?: number, retryMs?: number, tries?: number}} [more]
 */
export function createAhead({ load, came, refused }, { restMs = REST_MS, retryMs = RETRY_MS, tries = TRIES } = {}) {
  let controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;

  function cancel() {
    clearTimeout(timer);
    controller.abort();
  }

  /**
   * @param {readonly W[]} list
   * @param {number} left  tries
   * @param {AbortSignal} signal
   */
  async function go(list, left, signal) {
    for (const [k, wanted] of list.entries()) {
      try {
        await load(wanted, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        const passing = error.passing || error.code === "unreachable";
        if (passing && left > 1) {
          timer = setTimeout(() => void go(list.slice(k), left - 1, signal), retryMs);
          return;
        }
        const gone = passing || error.status === 404; // the next would fare no better
        for (const lost of gone ? list.slice(k) : [wanted]) refused(lost, error.sentence);
        if (gone) return;
        continue;
      }
      if (signal.aborted) return;
      left = tries;
      came(wanted);
    }
  }

  return {
    /** In place of what was wanted before. @param {readonly W[]} list  in this order */
    start(list) {
      cancel();
      controller = new AbortController();
      const { signal } = controller;
      timer = setTimeout(() => void go(list, tries, signal), restMs);
    },
    cancel,
  };
}
