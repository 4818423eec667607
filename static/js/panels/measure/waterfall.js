/** From the factor that MACs promise to the one measured, step by step; each step ran. */
import { h } from "../../core/dom.js";
import { factor, time } from "../../model/measurewords.js";
import { headOf, twinOf } from "../stack/twin.js";
import { createMeasured } from "./measured.js";

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, measurement: import("../../core/measurement.js").Measurement, head: HTMLElement}} deps
 */
export function createWaterfall(host, deps) {
  const table = h("table");
  const missing = h("ul", { class: "bounds" });
  /** @type {any[]} */
  let steps = [];

  /** @param {any} result */
  function show(result) {
    steps = result.steps.filter((/** @type {any} */ step) => step.available);
    table.replaceChildren(headOf(["Step", "factor", "median", "strategy"]), h("tbody", {}, ...steps.map((step) =>
      h("tr", { "data-step": step.name }, h("th", { scope: "row" }, step.label),
        h("td", { "data-name": "factor", "data-value": step.factor }, factor(step.factor)),
        h("td", {}, step.name === "promise" ? "–" : time(step.median)), h("td", { class: "words" }, step.strategy ?? "")))));
    missing.replaceChildren(...result.steps.filter((/** @type {any} */ step) => !step.available)
      .map((/** @type {any} */ step) => h("li", {}, `${step.label}: ${step.reason}.`)));
    return result.sentence;
  }

  return createMeasured(host, {
    ...deps, show, empty: "Not measured yet. The grouping on screen is taken apart: a loop and cat, the memory format, weights packed beforehand, fewer calls, no cat.",
    chart: {
      id: "waterfall-chart", label: "Chart of the speed-up, step by step", figure: "waterfall",
      walk: { places: () => steps.map((_, at) => at), sentence: (at) => `${steps[at].label}: ${factor(steps[at].factor)}.` },
    },
    below: [missing, twinOf("The steps as a table", table)],
  });
}
