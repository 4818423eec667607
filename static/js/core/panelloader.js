/**
 * The answer that one panel shows; what goes wrong stands in the panel's own message. A sentence about a control stands
 * beside that control already: the panel then only points there. What the network did is tried again by hand, or when
 * the browser is online again, by all panels at once.
 */
import { ApiError, sentenceOf } from "./api.js";
import { createLoader } from "./loader.js";
import { shown } from "./shown.js";

const FIRST_MS = 600; // how long what need not follow the finger gives way to what does
const PAUSE_MS = 250; // and to the finger itself: between two steps of a drag nothing else is worked out

/** What failed for the network's sake, and is asked for once more. @type {Set<() => void>} */
export const onceMore = new Set();

export function tryAgain() {
  const asked = [...onceMore];
  onceMore.clear();
  for (const refresh of asked) refresh();
}
globalThis.addEventListener?.("online", tryAgain);

/** What a control is called that has a sentence beside it now. @param {string|null} field */
function labelOf(field) {
  const told = field && document.getElementById(`${field}-message`)?.hasChildNodes();
  return (told && document.getElementById(field)?.closest(".field")?.querySelector("label")?.textContent?.trim()) || null;
}

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
    const refused = error instanceof ApiError && error.refused;
    const place = refused && error.field !== panel ? labelOf(error.field) : null;
    if (place) return errors.showFieldError(panel, `Not shown anew: see the sentence beside “${place}”.`);
    if (!refused) onceMore.add(loader.refresh);
    errors.showFieldError(panel, sentenceOf(error), refused ? exits(error) : [{ label: "Try again", run: tryAgain }]);
  }
  /** @type {typeof load} */
  async function afterwards(state, signal) {
    await shown(after, () => canonical(store.get()), FIRST_MS);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    signal.throwIfAborted();
    if (key(store.get()) !== key(state)) throw new DOMException("superseded", "AbortError"); // the next one is on its way
    return load(state, signal);
  }
  function good() {
    onceMore.delete(loader.refresh);
    errors.clearFieldError(panel);
  }
  const loader = createLoader({ store, key, load: after ? afterwards : load, canonical, fail, good });
  return loader;
}
