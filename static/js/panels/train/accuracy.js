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
 * What each seed has reached: at its end, or at its last evaluation so far.
 * @param {TrainingRecord} record
 * @param {import("../../core/training.js").ArmResult} arm
 * @returns {{seed: number, accuracy: number|null}[]}
 */
function reached({ history }, { arm, seeds }) {
  const ends = new Map(seeds.map(({ seed, accuracy }) => [seed, accuracy]));
  for (const { seed, evaluations } of history[arm] ?? []) ends.set(seed, ends.get(seed) ?? evaluations.at(-1)?.accuracy ?? null);
  return [...ends].map(([seed, accuracy]) => ({ seed, accuracy }));
}

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
      .map((arm) => `${sentenced(arm.label)}: ${percent(arm.accuracy_mean ?? mean(arm))} with ${number(params)} params.`).join(" ");
  }

  /** @param {import("../../core/training.js").ArmResult} arm */
  function mean(arm) {
    const all = shown ? reached(shown, arm).map(({ accuracy }) => accuracy).filter((accuracy) => accuracy !== null) : [];
    return all.length ? all.reduce((sum, accuracy) => sum + accuracy, 0) / all.length : null;
  }

  /** @param {TrainingRecord} record @param {unknown} _ @param {AbortSignal} signal */
  async function show(record, _, signal) {
    const figure = await getJson(`/api/trainings/${record.id}/figures/accuracy`, { signal });
    shown = record;
    table.replaceChildren(headOf(["Arm", "params", "to standard", "MACs an image", "to standard", "held-out accuracy", "95 % between", "each seed"]),
      h("tbody", {}, ...record.arms.map((arm) => {
        const average = arm.accuracy_mean ?? mean(arm);
        return h("tr", { "data-arm": arm.arm }, h("th", { scope: "row" }, h("i", { class: `series-mark ${arm.arm}`, "aria-hidden": "true" }), sentenced(arm.label)),
          h("td", {}, number(arm.params)), h("td", {}, ratio(arm.params_ratio)), h("td", {}, si(arm.macs)), h("td", {}, ratio(arm.macs_ratio)),
          h("td", { "data-name": "accuracy", "data-value": average }, h("strong", {}, percent(average))),
          h("td", {}, arm.seeds.length < 2 || arm.accuracy_low === null || arm.accuracy_low === undefined ? "–" : `${percent(arm.accuracy_low)} and ${percent(arm.accuracy_high)}`),
          h("td", { class: "words" }, reached(record, arm).map(({ accuracy }) => percent(accuracy)).join(", ")));
      })));
    await view.show(figure);
  }

  const panel = createShown(host, {
    store, training, show,
    body: [view.element, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table of accuracies" }, table)],
    empty: () => "Comes with the first count of held-out images.",
    key(record) {
      const all = record.arms.map((arm) => reached(record, arm).map(({ accuracy }) => accuracy));
      return all.flat().some((accuracy) => accuracy !== null) ? JSON.stringify([record.id, all, record.arms.map(({ accuracy_mean }) => accuracy_mean)]) : null;
    },
  });
  return {
    destroy() {
      panel.destroy();
      view.destroy();
    },
  };
}
