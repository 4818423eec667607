/** The latest look at the networks: filters, groups, blocks, and what they answer. */
import { getBytes } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { counted, number } from "../../model/format.js";
import { readSafetensors } from "../../model/safetensors.js";
import { table as params } from "../../model/trainstate.js";
import { blocksSentence, deadSentence, sentenced, widestSentence } from "../../model/trainwords.js";
import { bindFields } from "../fields.js";
import { createBlocks } from "./blocks.js";
import { armOf, offerArms } from "./confusion.js";
import { createEnergies } from "./energies.js";
import { createFilters } from "./filters.js";
import { createShown } from "./shown.js";

/**
 * @typedef {import("../../core/training.js").TrainingRecord} TrainingRecord
 * @typedef {import("../../model/trainwords.js").Look} Look
 * @typedef {import("../../model/trainstate.js").FrozenTrainState} State
 * @typedef {Record<string, import("../../model/safetensors.js").Tensor>} Probe
 */

/** @param {TrainingRecord} record @returns {Look[]} */
const looksOf = ({ looks }) => (looks ? Object.values(looks) : []);

/** @param {TrainingRecord} record */
const atOf = (record) => [record.id, ...looksOf(record).map(({ arm, seed, step }) => `${arm} ${seed} ${step}`)].join(" ");

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/trainstate.js").TrainStore, training: import("../../core/training.js").Training, errors: import("../../core/errors.js").Errors}} deps
 */
export function createLearn(host, { store, training, errors }) {
  const fields = bindFields({ store, errors, table: params }, ["arm", "module"], { arm: "learn-arm" });
  const select = /** @type {HTMLSelectElement} */ (qs("#learn-arm"));
  const slider = /** @type {HTMLInputElement} */ (qs("#module"));
  const [widest, blocked] = ["widest", "blocks"].map((name) => h("p", { class: "gist", "data-name": `${name}-sentence` }));
  const rest = h("p", { class: "convention", "data-name": "dead-sentence" });
  const [filters, energies, blocks] = [createFilters(), createEnergies(), createBlocks()];
  /** Of one look, by arm. @type {{at: string, probes: Map<string, Probe>}} */
  let held = { at: "", probes: new Map() };

  /** @param {TrainingRecord} record @param {AbortSignal} signal */
  async function probesOf(record, signal) {
    const at = atOf(record);
    if (held.at === at) return held.probes;
    const arms = looksOf(record).map(({ arm }) => arm);
    const bodies = await Promise.all(arms.map((arm) => getBytes(`/api/trainings/${record.id}/probe?arm=${arm}`, { signal })));
    held = { at, probes: new Map(arms.map((arm, i) => [arm, readSafetensors(bodies[i]).tensors])) };
    return held.probes;
  }

  /** @param {TrainingRecord} record @param {State} state @param {AbortSignal} signal */
  async function show(record, state, signal) {
    const probes = await probesOf(record, signal);
    const looks = looksOf(record);
    const arm = armOf(record, state.arm);
    const look = looks.find(({ arm: each }) => each === arm.arm) ?? looks[0];
    const { label } = armOf(record, /** @type {any} */ (look.arm));
    const module = look.modules[Math.min(state.module, look.modules.length) - 1];
    offerArms(select, record);
    select.value = look.arm;
    slider.max = slider.dataset.reach = String(look.modules.length);
    setText(widest, widestSentence(look));
    setText(blocked, blocksSentence(look));
    setText(rest, `${sentenced(label)} after ${counted(look.step, "step")}${look.seed === undefined ? "" : `, seed ${number(look.seed)}`}. ${deadSentence(look)}`);
    filters.show(record.arms.filter(({ arm: each }) => probes.has(each)).map(({ arm: each, label: name }) => {
      const { shape: [count, channels, kh, kw], data } = /** @type {Probe} */ (probes.get(each)).stem;
      return { arm: each, label: name, filters: { count, channels, kernel: [kh, kw], values: /** @type {Float32Array} */ (data) } };
    }));
    energies.show(module, label);
    const { shape, data } = /** @type {Probe} */ (probes.get(look.arm))[`covariance.${module.module}`];
    blocks.show(module, { channels: shape[0], values: /** @type {Float32Array} */ (data) }, label);
    host.dataset.step = String(look.step);
    host.dataset.arm = look.arm;
    host.dataset.module = String(module.module);
  }

  const panel = createShown(host, {
    store, training, show,
    body: [widest, blocked, rest, energies.element, h("div", { class: "learn-pair" }, blocks.element, filters.element)],
    empty: () => "Comes with the first look at the networks, a moment after training begins.",
    key: (record, { arm, module }) => (looksOf(record).length ? `${atOf(record)} ${arm} ${module}` : null),
  });
  return {
    destroy() {
      fields.destroy();
      panel.destroy();
      filters.destroy();
      blocks.destroy();
    },
  };
}
