/** Undo and redo over some keys of a state. A slider's drag is one step: its changes follow each other quickly. */

const TOGETHER_MS = 700;
const MOST_STEPS = 200;

/**
 * @template {object} S
 * @param {import("./store.js").StoreOf<S>} store
 * @param {readonly (keyof S)[]} keys  that count as a change
 * @param {readonly (keyof S)[]} dragged  those of them that sliders move
 */
export function createHistory(store, keys, dragged) {
  /** @type {Partial<S>[]} */
  let past = [];
  /** @type {Partial<S>[]} */
  let future = [];
  let last = { keys: "", at: -Infinity };
  let travelling = false;
  /** @type {Set<() => void>} */
  const watchers = new Set();

  /** @param {Readonly<S>} state */
  const snapshot = (state) => /** @type {Partial<S>} */ (Object.fromEntries(keys.map((key) => [key, state[key]])));

  function announce() {
    for (const watcher of [...watchers]) watcher();
  }

  const unsubscribe = store.subscribe((state, prev) => {
    const moved = keys.filter((key) => state[key] !== prev[key]);
    if (!moved.length || travelling) return;
    const [changed, now] = [moved.join(), performance.now()];
    const goesOn = changed === last.keys && now - last.at <= TOGETHER_MS && moved.every((key) => dragged.includes(key));
    if (!goesOn) past = [...past, snapshot(prev)].slice(-MOST_STEPS);
    last = { keys: changed, at: now };
    future = [];
    announce();
  });

  /**
   * @param {Partial<S>[]} from
   * @param {(step: Partial<S>) => void} keep
   */
  function travel(from, keep) {
    const step = from.pop();
    if (!step) return;
    keep(snapshot(store.get()));
    last = { keys: "", at: -Infinity };
    travelling = true;
    store.update(step);
    travelling = false;
    announce();
  }

  return {
    undo: () => travel(past, (step) => future.push(step)),
    redo: () => travel(future, (step) => past.push(step)),
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },

    /** @param {() => void} watcher  called when either of the two may have changed */
    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    destroy: unsubscribe,
  };
}
