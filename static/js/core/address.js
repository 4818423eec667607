/**
 * The address bar holds the whole view: rewritten a moment after each change, and before it is copied.
 *
 * @template {object} S
 * @param {import("./store.js").StoreOf<S>} store
 * @param {(state: Readonly<S>) => string} canonical  the state as a query
 */
export function keepAddress(store, canonical) {
  const write = () => history.replaceState(null, "", `${location.pathname}?${canonical(store.get())}${location.hash}`);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  write();
  const unsubscribe = store.subscribe((next, prev) => {
    if (canonical(next) === canonical(prev)) return;
    clearTimeout(timer);
    timer = setTimeout(write, URL_DELAY_MS);
  });
  addEventListener("popstate", write); // Back goes to another panel; the state stays, and the address says so
  return {
    write,
    end() {
      clearTimeout(timer);
      unsubscribe();
      removeEventListener("popstate", write);
    },
  };
}

const URL_DELAY_MS = 150; // browsers ration history entries
