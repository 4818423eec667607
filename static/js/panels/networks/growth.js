/** How cost grows when channels double: one line a split, its slope written on it, and the same as sentences. */
import { getJson } from "../../core/api.js";
import { h, qs } from "../../core/dom.js";
import { createPanelLoader } from "../../core/whatif.js";
import { dressed } from "../../draw/curves.js";
import { number } from "../../model/format.js";
import { networkTable } from "../../model/networkstate.js";
import { createChartView } from "../chartview.js";
import { bindFields } from "../fields.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {{series: string, halve: boolean, stage: number, channels: number, height: number, width: number,
 *   reason: string|null} & Record<string, any>} GrowthRow
 * @typedef {{series: string, label: string, metric: string, halve: boolean, sentence: string}} Slope
 * @typedef {{metric: string, halve: boolean, figure: import("../../core/plotly.js").Figure, growth: {rows: GrowthRow[], slopes: Slope[], notes: string[]}}} Shown
 */

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors}} deps
 */
export function createGrowth(host, { store, errors }) {
  const fields = bindFields({ store, errors, table: networkTable }, ["growth", "channels", "doublings", "n", "group_width", "halve"], { growth: "growth_metric" });
  const message = h("p", { class: "message", id: "growth-message", "aria-live": "polite" });
  const view = createChartView({ id: "growth-chart", label: "Chart of cost against channels", file: "growth", dress: dressed });
  const slopes = h("ul", { class: "slopes" });
  const notes = h("div", { class: "notes" });
  const table = h("table");
  const twin = h("details", {}, h("summary", {}, "The same numbers as a table"),
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Growth" }, table));
  qs(".panel-body", host).replaceChildren(message, view.element, slopes, notes, twin);

  /** @param {State} state */
  const query = ({ channels, doublings, n, group_width, log_base }) =>
    `in_channels=${channels}&doublings=${doublings}&groups=${n}&group_width=${group_width}&base=${log_base}`;

  /** @param {State} state */
  const figureQuery = (state) => `${query(state)}&growth=${state.growth}&halve=${state.halve}`;

  const loader = createPanelLoader({ store, errors }, "growth", figureQuery, async (state, signal) => {
    const [growth, figure] = await Promise.all([
      getJson(`/api/growth?${query(state)}`, { signal }),
      getJson(`/api/figures/growth?${figureQuery(state)}`, { signal }),
    ]);
    return { growth, figure, metric: state.growth, halve: state.halve };
  });

  /** @param {Shown} shown */
  async function show({ growth, figure, metric, halve }) {
    const said = growth.slopes.filter((slope) => slope.metric === metric && slope.halve === halve);
    slopes.replaceChildren(...said.map((slope) => h("li", {}, slope.sentence)));
    notes.replaceChildren(...growth.notes.map((note) => h("p", {}, note)));
    showTable(growth.rows.filter((row) => row.halve === halve), said, metric);
    await view.show(figure);
  }

  /**
   * @param {GrowthRow[]} rows
   * @param {Slope[]} lines
   * @param {string} metric
   */
  function showTable(rows, lines, metric) {
    const head = ["channels", "resolution", ...lines.map(({ label }) => label)].map((text) => h("th", { scope: "col" }, text));
    const body = rows.filter(({ series }) => series === "standard").map(({ stage, channels, height, width }) => {
      const cells = lines.map(({ series }) => {
        const value = rows.find((row) => row.series === series && row.stage === stage)?.[metric];
        return h("td", { "data-value": value }, value === null || value === undefined ? "–" : number(value));
      });
      return h("tr", {}, h("th", { scope: "row" }, number(channels)), h("td", {}, `${height} × ${width}`), ...cells);
    });
    table.replaceChildren(h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body));
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
