/** The controls at the side: which network, what is done to it, and what of it is shown. */
import { qs, setText } from "../../core/dom.js";
import { networkTable } from "../../model/networkstate.js";
import { bindFields } from "../fields.js";
import { createHelp } from "../help.js";

/** Numbers that each policy reads. @type {Record<string, string[]>} */
const NEEDS = { uniform: ["groups"], width: ["width"], logarithmic: ["groups", "base"], root: ["groups"] };
const NUMBERS = ["groups", "width", "base"];

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors,
 *   whatIf: import("../../core/whatif.js").WhatIfLoader}} deps
 */
export function createControls(host, { store, errors, whatIf }) {
  const keys = /** @type {const} */ (["policy", "groups", "width", "base", "scope", "hold", "metric", "layers"]);
  const fields = bindFields({ store, errors, table: networkTable }, keys, { layers: "rows" });
  const help = createHelp(document.body, qs("#definition"));
  const network = /** @type {HTMLSelectElement} */ (qs("#network", host));
  const source = qs("#network-source", host);

  /** Edits name layers, and another network has others. */
  const choose = () => store.update({ network: network.value, edits: {} });
  network.addEventListener("change", choose);

  function show() {
    const state = store.get();
    network.value = state.network;
    const needs = NEEDS[state.policy] ?? [];
    for (const name of NUMBERS) qs(`[data-field="${name}"]`, host).hidden = !needs.includes(name);
    for (const name of ["scope", "hold"]) {
      const idle = state.policy === "keep" && (name === "scope" || Object.keys(state.edits).length === 0);
      /** @type {HTMLSelectElement} */ (qs(`#${name}`, host)).disabled = idle;
    }
  }
  const unsubscribe = store.subscribe(show);
  show();
  const off = whatIf.subscribe({
    host: qs("#controls"), element: source,
    show: ({ original }) => setText(source, original.source),
  });

  return {
    destroy() {
      unsubscribe();
      off();
      fields.destroy();
      help.destroy();
      network.removeEventListener("change", choose);
    },
  };
}
