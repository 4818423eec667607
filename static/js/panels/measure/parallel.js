/** The groups of the split on screen, one after another and side by side. */
import { h } from "../../core/dom.js";
import { memory } from "../../model/format.js";
import { factor, time } from "../../model/measurewords.js";
import { headOf } from "../stack/twin.js";
import { createMeasured } from "./measured.js";

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, measurement: import("../../core/measurement.js").Measurement, head: HTMLElement}} deps
 */
export function createParallel(host, deps) {
  const table = h("table");
  /** @type {any[]} */
  let rows = [];
  let ideal = 1;

  /** @param {number[]|null} bytes */
  const memories = (bytes) => (bytes ?? []).map(memory).join(", ") || "–";

  /** @param {any} result */
  function show(result) {
    ({ ideal } = result);
    rows = result.rows.filter((/** @type {any} */ row) => row.available);
    table.replaceChildren(headOf(["Groups run", "median", "speed-up", "at most", "memory of each", "why not"]),
      h("tbody", {}, ...result.rows.map((/** @type {any} */ row) => h("tr", { "data-how": row.how }, h("th", { scope: "row" }, row.how),
        h("td", {}, row.available ? time(row.median) : "–"), h("td", { "data-name": "speedup", "data-value": row.speedup }, row.available ? factor(row.speedup) : "–"),
        h("td", {}, factor(ideal)), h("td", { class: "words" }, row.available ? memories(row.bytes_per_worker) : "–"), h("td", { class: "words" }, row.reason ?? "")))));
    return result.sentence;
  }

  return createMeasured(host, {
    ...deps, show, empty: "Not measured yet.",
    chart: {
      id: "parallel-chart", label: "Chart of the speed-up of groups in parallel", figure: "parallel",
      walk: { places: () => rows.map((_, at) => at), sentence: (at) => `${rows[at].how}: ${factor(rows[at].speedup)}, at most ${factor(ideal)}.` },
    },
    below: [h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table of groups run side by side" }, table)],
  });
}
