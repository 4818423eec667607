/** The network and its variant, layer by layer, on the server's device: what MACs promise beside what it takes. */
import { postJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { createMeasurement } from "../../core/measurement.js";
import { subjectKey, subjectOf } from "../../core/whatif.js";
import { factor, moment, time } from "../../model/measurewords.js";
import { createRunBar } from "../measure/runbar.js";

/**
 * @typedef {{sizes: string, median: number, macs: number, strategy?: string}} Side
 * @typedef {{name: string, count: number, original: Side, variant: Side, promised: number, measured: number}} MeasuredLayer
 */

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore}} deps
 */
export function createMeasuredLayers(host, { store }) {
  const measurement = createMeasurement({
    store, kind: "network", key: subjectKey,
    find: async () => ({ active: null, measurements: [] }),
    begin: (state, signal) => postJson("/api/measurements/network", subjectOf(state), { signal }),
  });
  const bar = createRunBar({ measurement, verb: "Measure every convolution" });
  const sentence = h("p", { class: "gist" });
  const table = h("table", { class: "measured-layers" });
  const conditions = h("p", { class: "conditions" });
  const csv = h("a", { download: true }, "CSV");
  const full = h("div", { class: "measured", hidden: true }, sentence,
    h("div", { class: "table-scroll tall", tabindex: "0", role: "region", "aria-label": "Measured layers" }, table), conditions,
    h("p", { class: "files" }, "Every run as ", csv));
  qs(".panel-body", host).replaceChildren(bar.element, full);

  /** @param {MeasuredLayer} row */
  const line = ({ name, count, original, variant, promised, measured }) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, count > 1 ? `${count}×` : ""),
      h("td", { "data-name": "original", "data-value": original.median }, time(original.median)),
      h("td", { "data-name": "variant", "data-value": variant.median }, time(variant.median)),
      h("td", { "data-name": "promised", "data-value": promised }, factor(promised)),
      h("td", { "data-name": "measured", "data-value": measured }, h("strong", {}, factor(measured))),
      h("td", { class: "words" }, variant.strategy ?? ""));

  const off = measurement.subscribe(({ phase, kept: id, result }) => {
    if (phase === "looking") return;
    full.hidden = !result;
    host.dataset.result = result ? String(id) : "";
    if (!result) return;
    setText(sentence, result.sentence);
    setText(conditions, `${result.conditions.sentence} ${moment(result.conditions.date)}.`);
    csv.setAttribute("href", `/api/measurements/${id}/csv`);
    const heads = ["Convolution", "times", "original", "variant", "promised", "measured", "strategy"].map((text) => h("th", { scope: "col" }, text));
    table.replaceChildren(h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...result.rows.map(line)));
  });
  return {
    destroy() {
      off();
      bar.destroy();
      measurement.end();
    },
  };
}
