/** What an arm takes for what: a heat map of the held-out images, and the same as a table. */
import { getJson } from "../../core/api.js";
import { h, setText } from "../../core/dom.js";
import { dressedTraining } from "../../draw/training.js";
import { number } from "../../model/format.js";
import { table as params } from "../../model/trainstate.js";
import { confusionSentence, sentenced, summed } from "../../model/trainwords.js";
import { createChartView } from "../chartview.js";
import { bindFields } from "../fields.js";
import { headOf, twinOf } from "../stack/twin.js";
import { createShown } from "./shown.js";

/**
 * @typedef {import("../../core/training.js").TrainingRecord} TrainingRecord
 * @typedef {import("../../model/trainstate.js").Arm} Arm
 */

/** The arm that is asked for, or the first where the run has it not. @param {TrainingRecord} record @param {Arm} asked */
export const armOf = (record, asked) => record.arms.find(({ arm }) => arm === asked) ?? record.arms[0];

/** Arms that a run has not cannot be chosen. @param {HTMLSelectElement} select @param {TrainingRecord} record */
export function offerArms(select, record) {
  for (const option of select.options) {
    const arm = record.arms.find(({ arm: each }) => each === option.value);
    option.disabled = !arm;
    if (arm) option.textContent = sentenced(arm.label);
  }
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/trainstate.js").TrainStore, training: import("../../core/training.js").Training, errors: import("../../core/errors.js").Errors}} deps
 */
export function createConfusion(host, { store, training, errors }) {
  const fields = bindFields({ store, errors, table: params }, ["confusion"], { confusion: "confusion-arm" });
  const select = /** @type {HTMLSelectElement} */ (document.getElementById("confusion-arm"));
  const sentence = h("p", { class: "gist", "data-name": "confused" });
  const table = h("table", { class: "confusion-table" });
  const view = createChartView({ id: "confusion-chart", label: "Heat map of the confusion; the table below has its numbers", file: "confusion", dress: dressedTraining });

  /** @param {TrainingRecord} record @param {import("../../model/trainstate.js").FrozenTrainState} state @param {AbortSignal} signal */
  async function show(record, state, signal) {
    const arm = armOf(record, state.confusion);
    const figure = await getJson(`/api/trainings/${record.id}/figures/confusion?arm=${arm.arm}`, { signal });
    offerArms(select, record);
    select.value = arm.arm;
    const matrix = /** @type {number[][]} */ (summed(arm.seeds.map(({ confusion }) => confusion)));
    const { classes } = record.data;
    setText(sentence, `${sentenced(arm.label)}: ${confusionSentence(matrix, classes)}`);
    table.replaceChildren(headOf(["Is \\ taken for", ...classes]), h("tbody", {}, ...matrix.map((line, i) =>
      h("tr", {}, h("th", { scope: "row" }, classes[i]), ...line.map((count, j) => h("td", { "data-value": count, ...(i === j ? { class: "right" } : {}) }, number(count)))))));
    host.dataset.arm = arm.arm;
    await view.show(figure);
  }

  const panel = createShown(host, {
    store, training, show, body: [sentence, view.element, twinOf("Confusion as a table", table)],
    empty: () => "Comes when the first arm has been trained to its end.",
    key(record, { confusion }) {
      const arm = armOf(record, confusion);
      const matrix = arm && summed(arm.seeds.map(({ confusion: each }) => each));
      return matrix ? JSON.stringify([record.id, arm.arm, matrix]) : null;
    },
  });
  return {
    destroy() {
      fields.destroy();
      panel.destroy();
      view.destroy();
    },
  };
}
