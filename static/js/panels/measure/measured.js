/**
 * A panel of what was measured: its chart, what it means in a sentence, its table; and under which conditions. It is
 * empty until the layer on screen was measured, and what stood there before goes: another layer's times are no use.
 */
import { getJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { dressedMeasure } from "../../draw/measure.js";
import { canonical } from "../../model/measurestate.js";
import { moment } from "../../model/measurewords.js";
import { createChartView } from "../chartview.js";

/**
 * @typedef {{id: string, label: string, figure: string, walk?: {places: () => number[], sentence: (at: number) => string}}} ChartOf
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/measurestate.js").MeasureStore} deps.store
 * @param {import("../../core/measurement.js").Measurement} deps.measurement
 * @param {import("../../core/dom.js").Child} deps.head  what stands above: the run bar
 * @param {ChartOf} deps.chart
 * @param {string} deps.empty  what stands there before anything was measured
 * @param {Element[]} deps.below
 * @param {(result: any) => string} deps.show  draws the tables; returns the sentence that is the point of it all
 * @param {(partial: any) => void} [deps.partial]
 */
export function createMeasured(host, { store, measurement, head, chart, empty, below, show }) {
  const sentence = h("p", { class: "gist", "data-name": "sentence" });
  const conditions = h("p", { class: "conditions" });
  const view = createChartView({ id: chart.id, label: chart.label, file: chart.figure, dress: dressedMeasure, walk: chart.walk });
  const csv = h("a", { class: "file", download: true }, "CSV");
  const raw = h("a", { class: "file", download: true }, "JSON");
  const full = h("div", { class: "measured", hidden: true }, sentence, view.element, ...below, conditions,
    h("p", { class: "files" }, "What was measured, every run of it, as ", csv, " ", raw));
  const blank = h("p", { class: "blank" }, empty);
  qs(".panel-body", host).replaceChildren(...(head ? [/** @type {Node} */ (head)] : []), blank, full);
  let drawn = "";

  /** @param {import("../../core/measurement.js").Standing} standing */
  async function read({ phase, kept: id, result }) {
    if (phase === "looking") return;
    const has = result !== null;
    blank.hidden = has;
    full.hidden = !has;
    if (has && drawn !== id) {
      drawn = /** @type {string} */ (id);
      setText(sentence, show(result));
      const { control, conditions: told } = result;
      const trust = control.trusted ? "" : " The machine was too busy to trust these numbers: measure again.";
      setText(conditions, `${told.sentence} ${moment(told.date)}. The standard layer against itself: ${control.ratio.toFixed(3)}.${trust}`);
      conditions.dataset.kind = control.trusted ? "" : "error";
      csv.setAttribute("href", `/api/measurements/${id}/csv`);
      raw.setAttribute("href", `/api/measurements/${id}`);
      const figure = await getJson(`/api/measurements/${id}/figures/${chart.figure}`);
      if (drawn !== id) return;
      await view.show(figure);
    }
    if (!has) drawn = "";
    host.dataset.result = has ? String(id) : "";
    host.dataset.painted = canonical(store.get());
  }

  const off = measurement.subscribe((standing) => void read(standing));
  return {
    destroy() {
      off();
      view.destroy();
    },
  };
}
