/** The answer that one panel shows; what goes wrong stands in the panel's own message. */
import { ApiError, sentenceOf } from "./api.js";
import { createLoader } from "./loader.js";
import { shown } from "./shown.js";

const FIRST_MS = 600; // how long what need not follow the finger gives way to what does
const PAUSE_MS = 250; // and to the finger itself: between two steps of a drag nothing else is worked out

/**
 * @template {object} S
 * @template D
 * @param {object} deps
 * @param {import("./store.js").StoreOf<S>} deps.store
 * @param {import("./errors.js").Errors} deps.errors
 * @param {(state: Readonly<S>) => string} deps.canonical  the whole state, as `data-painted` has it
 * @param {string} panel  its id
 * @param {(state: Readonly<S>) => string} key  equal keys, equal answers
 * @param {(state: Readonly<S>, signal: AbortSignal) => Promise<D>} load
 * @param {object} [more]
 * @param {string} [more.after]  id of the panel that goes first: the one that follows the finger
 * @param {(error: ApiError) => import("./errors.js").WayOut[]} [more.exits]  ways out of a refusal
 */
export function createPanelLoader({ store, errors, canonical }, panel, key, load, { after = "", exits = () => [] } = {}) {
  /** @param {Error} error */
  function fail(error) {
    const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    errors.showFieldError(panel, sentenceOf(error), refused ? exits(error) : [{ label: "Try again", run: () => loader.refresh() }]);
  }
  /** @type {typeof load} */
  async function afterwards(state, signal) {
    await shown(after, () => canonical(store.get()), FIRST_MS);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    signal.throwIfAborted();
    if (key(store.get()) !== key(state)) throw new DOMException("superseded", "AbortError"); // the next one is on its way
    return load(state, signal);
  }
  const good = () => errors.clearFieldError(panel);
  const loader = createLoader({ store, key, load: after ? afterwards : load, canonical, fail, good });
  return loader;
}
