/**
 * The choice of weights. A trained network takes a panel and a list that few visits need: both are fetched then.
 *
 * @typedef {"filter-bank"|"random"|"trained"} Weights
 * @typedef {{weights: Weights, checkpoint: string}} State
 */
import { listeners, qs } from "../core/dom.js";

/**
 * @template {State} S
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {{get: () => Readonly<S>, subscribe: (listener: () => void) => () => void}} deps.store
 * @param {import("../core/errors.js").Errors} deps.errors
 * @param {(weights: Weights) => void} deps.choose  seeded ones
 * @param {() => Promise<{choose: () => void}>} deps.open  the panel of trained networks
 */
export function createWeights(host, { store, errors, choose, open }) {
  const { on, end } = listeners();
  const select = /** @type {HTMLSelectElement} */ (qs("#weights", host));
  const panel = qs("#trained", host);
  /** Chosen, and no network yet. */
  let waiting = false;

  async function trained() {
    waiting = true;
    show();
    try {
      (await open()).choose();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a module that can't be fetched
      errors.showFieldError("weights", "This part of the page could not be fetched. Check that the server is running, then load the page again.");
    }
    waiting = store.get().weights !== "trained" && waiting;
  }

  function show() {
    const seen = store.get().weights === "trained";
    if (seen) waiting = false;
    select.value = waiting ? "trained" : store.get().weights;
    panel.hidden = select.value !== "trained";
    host.dataset.weights = select.value; // what says nothing then is hidden by the style sheet
  }

  on(select, "change", () => {
    errors.clearFieldError("weights");
    waiting = false;
    if (select.value === "trained") return void trained();
    errors.clearFieldError("checkpoint");
    choose(/** @type {Weights} */ (select.value));
    show();
  });
  const unsubscribe = store.subscribe(show);
  show();
  if (store.get().weights === "trained") void trained();
  return {
    destroy() {
      unsubscribe();
      end();
    },
  };
}
