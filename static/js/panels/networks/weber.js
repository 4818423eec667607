/** Why logarithmic: group sizes on two scales beside the law of Weber and Fechner, and what that does not prove. */
import { getJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { createPanelLoader } from "../../core/whatif.js";
import { dressed } from "../../draw/curves.js";
import { counted, number } from "../../model/format.js";
import { legalGroups } from "../../model/grouping.js";
import { networkTable } from "../../model/networkstate.js";
import { createChartView } from "../chartview.js";
import { bindFields } from "../fields.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {{channels: number, base: number, sizes: {group: number, channels: number, log: number}[], law: {text: string, formula: string}, notes: string[]}} Law
 * @typedef {{wanted: number, figure: import("../../core/plotly.js").Figure, law: Law}} Shown
 */

/**
 * As many groups as were asked for, or as there is room for.
 * @param {State} state
 */
const roomFor = ({ channels, n, log_base }) => Math.min(n, legalGroups("logarithmic", channels, channels, log_base).length);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors}} deps
 */
export function createWeber(host, { store, errors }) {
  const fields = bindFields({ store, errors, table: networkTable }, ["channels", "n", "log_base"], { channels: "weber_channels", n: "weber_n" });
  const message = h("p", { class: "message", id: "weber-message", "aria-live": "polite" });
  const text = h("p", { class: "law" });
  const formula = h("p", { class: "law-formula" });
  const view = createChartView({ id: "weber-chart", label: "Group sizes on a linear and a logarithmic scale, and the law", file: "weber-fechner", dress: dressed });
  const sizes = h("p", { class: "convention", "data-name": "weber-sizes" });
  const notes = h("div", { class: "notes" });
  qs(".panel-body", host).replaceChildren(message, text, formula, view.element, sizes, notes);

  /** @param {State} state */
  const query = (state) => `in_channels=${state.channels}&groups=${roomFor(state)}&base=${state.log_base}`;

  const loader = createPanelLoader({ store, errors }, "weber", query, async (state, signal) => {
    const [law, figure] = await Promise.all([
      getJson(`/api/weber-fechner?${query(state)}`, { signal }),
      getJson(`/api/figures/weber-fechner?${query(state)}`, { signal }),
    ]);
    return { law, figure, wanted: state.n };
  });

  /** @param {Shown} shown */
  async function show({ law, figure, wanted }) {
    setText(text, law.law.text);
    setText(formula, law.law.formula);
    const list = law.sizes.map((size) => number(size.channels)).join(", ");
    const room = law.sizes.length < wanted ? ` There is no room for ${number(wanted)}.` : "";
    setText(sizes, `${number(law.channels)} channels in ${counted(law.sizes.length, "group")} of base ${law.base}: ${list}.${room}`);
    notes.replaceChildren(...law.notes.filter((note) => note !== law.law.text).map((note) => h("p", {}, note)));
    await view.show(figure);
  }

  const off = loader.subscribe({ host, element: view.element, show });
  loader.refresh();
  return {
    destroy() {
      off();
      loader.destroy();
      fields.destroy();
      view.destroy();
    },
  };
}
