/** Held-out accuracy against what each network costs, with the spread over seeds. */
import { getJson } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { dressedTraining } from "../../draw/training.js";
import { number, ratio, si } from "../../model/format.js";
import { percent, sentenced } from "../../model/trainwords.js";
import { createChartView } from "../chartview.js";
import { headOf } from "../stack/twin.js";
import { createShown } from "./shown.js";

/** @typedef {import("../../core/training.js").TrainingRecord} TrainingRecord */

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/trainstate.js").TrainStore, training: import("../../core/training.js").Training}} deps
 */
export function createAccuracy(host, { store, training }) {
  const table = h("table", { class: "accuracy-table" });
  /** @type {TrainingRecord|null} */
  let shown = null;
  const view = createChartView({
    id: "accuracy-chart", label: "Chart of held-out accuracy against params", file: "accuracy", dress: dressedTraining,
    walk: { places: () => (shown ? shown.arms.map(({ params }) => params).sort((a, b) => a - b) : []), sentence: readout },
  });

  /** @param {number} params */
  function readout(params) {
    return (shown?.arms ?? []).filter((arm) => arm.params === params)
      .map((arm) => `${sentenced(arm.label)}: ${percent(arm.accuracy_mean)} with ${number(params)} params.`).join(" ");
  }

  /** @param {TrainingRecord} record @param {unknown} _ @param {AbortSignal} signal */
  async function show(record, _, signal) {
    const figure = await getJson(`/api/trainings/${record.id}/figures/accuracy`, { signal });
    shown = record;
    table.replaceChildren(headOf(["Arm", "params", "to standard", "MACs an image", "to standard", "held-out accuracy", "95 % between", "each seed"]),
      h("tbody", {}, ...record.arms.map((arm) => {
        const average = arm.accuracy_mean;
        return h("tr", { "data-arm": arm.arm }, h("th", { scope: "row" }, h("i", { class: `series-mark ${arm.arm}`, "aria-hidden": "true" }), sentenced(arm.label)),
          h("td", {}, number(arm.params)), h("td", {}, ratio(arm.params_ratio)), h("td", {}, si(arm.macs)), h("td", {}, ratio(arm.macs_ratio)),
          h("td", { "data-name": "accuracy", "data-value": average }, h("strong", {}, percent(average))),
          h("td", {}, arm.seeds.length < 2 || arm.accuracy_low === null || arm.accuracy_low === undefined ? "–" : `${percent(arm.accuracy_low)} and ${percent(arm.accuracy_high)}`),
          h("td", { class: "words" }, arm.seeds.map(({ accuracy }) => percent(accuracy)).join(", ")));
      })));
    await view.show(figure);
  }

  const panel = createShown(host, {
    store, training, show,
    body: [view.element, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table of accuracies" }, table)],
    empty: () => "Comes when the first arm has been trained to its end.",
    key: ({ id, arms }) => (arms.some(({ seeds }) => seeds.length) ? JSON.stringify([id, ...arms.map(({ seeds }) => seeds.map(({ accuracy }) => accuracy))]) : null),
  });
  return {
    destroy() {
      panel.destroy();
      view.destroy();
    },
  };
}
