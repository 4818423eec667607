/** Arithmetic intensity against what is achieved, under what this device was measured to do at most. */
import { h } from "../../core/dom.js";
import { si } from "../../model/format.js";
import { figures } from "../../model/measurewords.js";
import { headOf, twinOf } from "../stack/twin.js";
import { HOW } from "./latency.js";
import { createMeasured } from "./measured.js";

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, measurement: import("../../core/measurement.js").Measurement}} deps
 */
export function createRoofline(host, deps) {
  const bounds = h("ul", { class: "bounds" });
  const table = h("table");
  const roofs = h("table");
  /** @type {any[]} */
  let rows = [];

  /** @param {any} result */
  function show(result) {
    rows = result.rows;
    bounds.replaceChildren(...rows.filter(({ bound }) => bound).map((row) =>
      h("li", { "data-arm": row.arm, "data-how": row.how, "data-bound": row.bound.name }, h("b", {}, `${row.label}, ${HOW[row.how]}`), `: ${row.bound.sentence}`)));
    table.replaceChildren(headOf(["Grouping", "run", "FLOPs/byte", "GFLOP/s", "held back by", "its cap, GFLOP/s"]),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.label), h("td", { class: "words" }, HOW[row.how]),
        h("td", {}, figures(row.intensity)), h("td", {}, figures(row.gflops)), h("td", { class: "words" }, row.bound?.name ?? "–"),
        h("td", {}, row.bound ? figures(row.bound.gflops) : "–")))));
    const { ceilings } = result;
    roofs.replaceChildren(headOf(["Measured at most", "value"]), h("tbody", {}, ...[
      ["best matrix product", `${figures(ceilings.matmul_gflops)} GFLOP/s`],
      ["best convolution", `${figures(ceilings.conv_gflops)} GFLOP/s`],
      ["copy, in cache", `${si(ceilings.cache_bytes_per_second)}B/s`],
      ["copy, in memory", `${si(ceilings.memory_bytes_per_second)}B/s`],
      ["one call", `${figures(ceilings.call_seconds * 1e6)} µs`],
      ...ceilings.narrow.map((/** @type {any} */ { width, gflops }) => [`groups of ${width} channels`, `${figures(gflops)} GFLOP/s`]),
    ].map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))));
    return ceilings.sentence;
  }

  return createMeasured(host, {
    ...deps, show, head: null, empty: "Comes with the measurement above.",
    chart: {
      id: "roofline-chart", label: "Roofline chart", figure: "roofline",
      walk: {
        places: () => rows.map((_, at) => at),
        sentence: (at) => `${rows[at].label}, ${HOW[rows[at].how]}: ${figures(rows[at].gflops)} GFLOP/s at ${figures(rows[at].intensity)} FLOPs per byte. ${rows[at].bound?.sentence ?? ""}`,
      },
    },
    below: [bounds, twinOf("The points as a table", table), twinOf("What this device can do at most", roofs)],
  });
}
