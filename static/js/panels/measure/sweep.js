/** Latency against the number of groups, for every number that is legal. */
import { h } from "../../core/dom.js";
import { si } from "../../model/format.js";
import { factor, time } from "../../model/measurewords.js";
import { headOf, twinOf } from "../stack/twin.js";
import { createMeasured } from "./measured.js";

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, measurement: import("../../core/measurement.js").Measurement, head: HTMLElement}} deps
 */
export function createSweep(host, deps) {
  const table = h("table");
  /** @type {any[]} */
  let rows = [];

  /** @param {any} result */
  function show(result) {
    rows = result.rows;
    table.replaceChildren(headOf(["Groups", "scheme", "median", "as people write it", "by MACs alone", "promised", "measured", "MACs", "strategy"]),
      h("tbody", {}, ...rows.map((row) => h("tr", { "data-scheme": row.scheme, "data-groups": row.groups },
        h("th", { scope: "row" }, row.groups), h("td", { class: "words" }, row.scheme),
        h("td", { "data-name": "median", "data-value": row.median }, time(row.median)), h("td", {}, time(row.plain_median)),
        h("td", { "data-name": "counted", "data-value": row.counted }, time(row.counted)), h("td", {}, factor(row.promised)),
        h("td", {}, factor(row.measured)), h("td", {}, si(row.macs)), h("td", { class: "words" }, row.strategy)))));
    return result.sentence;
  }

  /** @param {number} groups */
  const at = (groups) => rows.filter((row) => row.groups === groups)
    .map((row) => `${row.scheme} ${time(row.median)}, by MACs alone ${time(row.counted)}`).join("; ");

  return createMeasured(host, {
    ...deps, show, empty: "Not measured yet.",
    chart: {
      id: "sweep-chart", label: "Chart of latency against the number of groups", figure: "sweep",
      walk: { places: () => [...new Set(rows.map(({ groups }) => groups))].sort((a, b) => a - b), sentence: (groups) => `${groups} groups: ${at(groups)}.` },
    },
    below: [twinOf("The sweep as a table", table)],
  });
}
