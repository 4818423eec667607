/**
 * Loss and held-out accuracy as they grow, against steps, seconds or MACs; the same as a table; and whether the arms
 * differ by more than their noise.
 *
 * @typedef {import("../../core/training.js").TrainingRecord} TrainingRecord
 * @typedef {import("../../core/training.js").Standing} Standing
 * @typedef {import("../../model/trainstate.js").FrozenTrainState} State
 */
import { getJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { dressedTraining } from "../../draw/training.js";
import { number, si } from "../../model/format.js";
import { figures, moment, time } from "../../model/measurewords.js";
import { table as params } from "../../model/trainstate.js";
import { STATES, isActive, percent, sentenced, spread } from "../../model/trainwords.js";
import { createChartView } from "../chartview.js";
import { bindFields } from "../fields.js";
import { headOf, twinOf } from "../stack/twin.js";
import { createShown } from "./shown.js";
import { createVerdict } from "./verdict.js";

const PLACES = 60; // the arrow keys stop at
const ROWS = 50; // of an arm and seed, in the table of losses: the CSV has all

/** Of each arm and seed. @param {TrainingRecord} record */
const stepsOf = ({ total, arms, query }) => total / arms.length / Number(new URLSearchParams(query).get("seeds") ?? 1);

/** @param {any} value */
const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/trainstate.js").TrainStore, training: import("../../core/training.js").Training, errors: import("../../core/errors.js").Errors}} deps
 */
export function createCurves(host, { store, training, errors }) {
  const fields = bindFields({ store, errors, table: params }, ["x", "y", "compare"], { x: "curves-x", y: "curves-y" });
  const compare = /** @type {HTMLSelectElement} */ (qs("#compare"));
  const which = h("p", { class: "which" });
  const now = h("ul", { class: "now", "aria-label": "Where each arm is" });
  const verdict = createVerdict();
  const table = h("table");
  const twin = twinOf("The curves as a table", table);
  const csv = h("a", { class: "file", download: true }, "CSV");
  const raw = h("a", { class: "file", download: true }, "JSON");
  const files = h("p", { class: "files" }, "The whole run, every step of it, as ", csv, " ", raw);
  /** @type {any[]} */
  let traces = [];
  const view = createChartView({
    id: "curves-chart", label: "Chart of the learning curves", file: "curves", dress: dressedTraining,
    walk: { places, sentence: readout },
  });
  /** @type {{record: TrainingRecord, state: State}|null} */
  let shown = null;

  /** Where there is a point, as many places as can be walked. */
  function places() {
    const all = [...new Set(traces.flatMap(({ x }) => x))].sort((a, b) => a - b);
    return spread(all.length, PLACES).map((at) => all[at]);
  }

  /** What each curve is at `x`, or was last. @param {number} x */
  function readout(x) {
    const { x: against, y: what } = store.get();
    const at = against === "seconds" ? time(x) : against === "macs" ? `${si(x)} MACs` : `Step ${number(Math.round(x))}`;
    const values = traces.map(({ name, x: xs, y }) => {
      const found = xs.findLastIndex((/** @type {number} */ each) => each <= x);
      return found < 0 || !known(y[found]) ? "" : `${name} ${what === "loss" ? figures(y[found]) : percent(y[found])}`;
    });
    return `${at}: ${values.filter(Boolean).join(", ")}.`;
  }

  /** @param {TrainingRecord} record @param {State} state @param {AbortSignal} signal */
  async function show(record, state, signal) {
    const beside = state.compare ? `&compare=${state.compare}` : "";
    const figure = await getJson(`/api/trainings/${record.id}/figures/curves?x=${state.x}&y=${state.y}${beside}`, { signal });
    traces = figure.data.filter((/** @type {any} */ trace) => trace.meta?.arm && trace.name && trace.x.length);
    if (state.x === "steps" && isActive(record.state)) figure.layout.xaxis.range = [0, stepsOf(record)]; // it grows into its room
    shown = { record, state };
    verdict.show(record);
    fill();
    csv.setAttribute("href", `/api/trainings/${record.id}/csv`);
    raw.setAttribute("href", `/api/trainings/${record.id}`);
    await view.show(figure);
    host.dataset.points = String(Object.values(record.history).flat().reduce((sum, { steps }) => sum + steps.length, 0));
  }

  /** The table is long, and follows only while it is open. */
  function fill() {
    if (!shown || !twin.open) return;
    const { record: { history, arms }, state } = shown;
    const label = (/** @type {string} */ arm) => arms.find((each) => each.arm === arm)?.label ?? arm;
    const lines = Object.entries(history).flatMap(([arm, seeds]) => seeds.flatMap((line) => {
      const rows = state.y === "accuracy"
        ? line.evaluations.map(({ step, seconds, macs, accuracy, loss }) => ({ step, seconds, macs, value: percent(accuracy), raw: accuracy, more: figures(loss) }))
        : spread(line.steps.length, ROWS).map((at) => ({ step: line.steps[at], seconds: line.seconds[at], macs: line.macs[at], value: figures(line.loss[at]), raw: line.loss[at], more: null }));
      return rows.map(({ step, seconds, macs, value, raw: exact, more }) => h("tr", { "data-arm": arm, "data-seed": line.seed },
        h("th", { scope: "row" }, sentenced(label(arm))), h("td", {}, line.seed), h("td", {}, number(step)), h("td", {}, time(seconds)), h("td", {}, si(macs)),
        h("td", { "data-name": state.y, "data-value": exact }, value), more === null ? null : h("td", {}, more)));
    }));
    table.replaceChildren(headOf(["Arm", "seed", "step", "time", "MACs", ...(state.y === "accuracy" ? ["held-out accuracy", "held-out loss"] : ["training loss"])]), h("tbody", {}, ...lines));
  }
  twin.addEventListener("toggle", fill);

  /** Follows each event, whether the curves are drawn or not. @param {Standing} standing */
  function live({ record, progress, phase }) {
    if (!record) return;
    const device = typeof record.device === "string" ? record.device : record.device?.device;
    setText(which, `On screen: ${record.label}. ${sentenced(STATES[phase] ?? phase)}. Begun ${moment(record.created)}${device ? ` on ${device}` : ""}.`);
    now.hidden = !progress;
    if (!progress?.arms.length) return;
    now.replaceChildren(...progress.arms.map(({ arm, label, loss, accuracy }) => h("li", { "data-arm": arm },
      h("i", { class: `series-mark ${arm}`, "aria-hidden": "true" }), `${sentenced(label)}: loss ${known(loss) ? figures(/** @type {number} */ (loss)) : "–"}, held-out ${percent(accuracy)}`)));
  }

  const off = training.subscribe(live);
  const panel = createShown(host, {
    store, training, show, body: [which, now, view.element, verdict.element, twin, files],
    empty: ({ id }) => (id ? "The curves grow here once it trains." : "No run is on screen. Choose the arms, then train them: their curves grow together here. Or open a kept run below."),
    key: (record, { x, y, compare: other }, { version }) =>
      Object.values(record.history ?? {}).flat().some(({ steps }) => steps.length) ? [record.id, version, x, y, other].join(" ") : null,
  });

  return {
    /** What there is to lay beside it. @param {{id: string, label: string, created: string, state: string}[]} runs */
    offer(runs) {
      const { compare: chosen, run } = store.get();
      const others = runs.filter(({ id, state }) => id !== run && (state === "done" || id === chosen));
      const missing = chosen && !others.some(({ id }) => id === chosen) ? [h("option", { value: chosen }, "a run no longer kept")] : [];
      compare.replaceChildren(h("option", { value: "" }, "no other run"), ...others.map(({ id, label, created }) => h("option", { value: id }, `${label}, ${moment(created)}`)), ...missing);
      compare.value = chosen;
    },
    destroy() {
      off();
      fields.destroy();
      panel.destroy();
      view.destroy();
    },
  };
}
