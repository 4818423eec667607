/** Every grouping of the layer, run in turn: what its MACs promise beside what it takes. */
import { h } from "../../core/dom.js";
import { memory, number, si } from "../../model/format.js";
import { factor, figures, time } from "../../model/measurewords.js";
import { headOf, twinOf } from "../stack/twin.js";
import { createMeasured } from "./measured.js";

/** What the page calls the two ways to run a grouping. @type {Record<string, string>} */
export const HOW = { plain: "as people write it", best: "at its best" };

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, measurement: import("../../core/measurement.js").Measurement, head: HTMLElement}} deps
 */
export function createLatency(host, deps) {
  const table = h("table", { class: "latency-table" });
  const more = h("table");
  const skipped = h("p", { class: "skipped" });
  /** @type {any[]} */
  let rows = [];

  /** @param {any} row */
  const sentence = (row) =>
    `${row.label}: ${time(row.median)} (half of the rounds between ${time(row.q1)} and ${time(row.q3)}), ${factor(row.measured)} where MACs promise ${factor(row.promised)}.`;

  /** @param {any} result */
  function show(result) {
    rows = result.rows;
    const places = new Map(result.ranking.places.flatMap((/** @type {any[]} */ tied, /** @type {number} */ at) =>
      tied.map(({ arm, how }) => [`${arm} ${how}`, tied.length > 1 ? `${at + 1}, tied` : String(at + 1)])));
    table.replaceChildren(
      headOf(["Grouping", "run", "median", "promised", "measured", "between", "place", "strategy"]),
      h("tbody", {}, ...rows.map((row) => h("tr", { "data-arm": row.arm, "data-how": row.how },
        h("th", { scope: "row" }, row.label), h("td", { class: "words" }, HOW[row.how]),
        h("td", { "data-name": "median", "data-value": row.median }, time(row.median)),
        h("td", { "data-name": "promised", "data-value": row.promised }, factor(row.promised)),
        h("td", { "data-name": "measured", "data-value": row.measured }, h("strong", {}, factor(row.measured))),
        h("td", {}, `${factor(row.measured_low)} – ${factor(row.measured_high)}`),
        h("td", { "data-name": "place" }, places.get(`${row.arm} ${row.how}`)),
        h("td", { class: "words", title: row.strategy_words }, row.strategy_words)))),
    );
    more.replaceChildren(
      headOf(["Grouping", "run", "fastest", "quartiles", "images/s", "GFLOP/s", "MACs", "params", "FLOPs/byte", "peak memory"]),
      h("tbody", {}, ...rows.map((row) => h("tr", {},
        h("th", { scope: "row" }, row.label), h("td", { class: "words" }, HOW[row.how]),
        h("td", {}, time(row.min)), h("td", {}, `${time(row.q1)} – ${time(row.q3)}`), h("td", {}, figures(row.images_per_second)),
        h("td", {}, figures(row.gflops)), h("td", {}, si(row.macs)), h("td", {}, number(row.params)),
        h("td", {}, figures(row.intensity)),
        h("td", { title: row.peak_words }, row.peak_bytes === null ? "–" : memory(row.peak_bytes))))),
    );
    const left = Object.entries(result.skipped);
    skipped.hidden = left.length === 0;
    skipped.textContent = left.length ? `Left out: ${left.map(([arm, reason]) => `${arm} (${reason})`).join("; ")}.` : "";
    return result.ranking.sentence;
  }

  return createMeasured(host, {
    ...deps, show,
    empty: "Not measured yet on this device. The factors that MACs promise are known without a run; the times are not.",
    chart: {
      id: "latency-chart", label: "Chart of latency, run by run", figure: "latency",
      walk: { places: () => rows.map((_, at) => at), sentence: (at) => sentence(rows[at]) },
    },
    below: [
      h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table of latencies" }, table),
      skipped,
      twinOf("Throughput, memory and the rest", more),
    ],
  });
}
