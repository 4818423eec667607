/**
 * What every panel of a run shares: empty until there is a run, drawn again when what it shows is another, one drawing
 * after the other and the newest next. What stood there stays until the new is there; what fails is said in the panel.
 */
import { sentenceOf } from "../../core/api.js";
import { createBusy } from "../../core/busy.js";
import { h, qs, setText } from "../../core/dom.js";
import { withLink } from "../../core/errors.js";
import { canonical } from "../../model/trainstate.js";

/**
 * @typedef {import("../../core/training.js").TrainingRecord} TrainingRecord
 * @typedef {import("../../core/training.js").Standing} Standing
 * @typedef {import("../../model/trainstate.js").FrozenTrainState} State
 */

/**
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/trainstate.js").TrainStore} deps.store
 * @param {import("../../core/training.js").Training} deps.training
 * @param {(standing: Standing) => string} deps.empty  what stands there before there is anything
 * @param {(record: TrainingRecord, state: State, standing: Standing) => string|null} deps.key  equal keys, equal pictures; null: nothing to show yet
 * @param {(record: TrainingRecord, state: State, signal: AbortSignal) => Promise<void>|void} deps.show
 * @param {HTMLElement[]} deps.body
 */
export function createShown(host, { store, training, empty, key, show, body }) {
  const blank = h("p", { class: "blank" });
  const message = h("p", { class: "message", id: `${host.id}-message`, "aria-live": "polite" });
  const full = h("div", { class: "measured", hidden: true }, ...body);
  qs(".panel-body", host).replaceChildren(message, blank, full);
  const busy = createBusy(full);
  const ending = new AbortController();
  let drawn = "";
  let failed = ""; // the key that could not be drawn: not tried again until it is another
  let drawing = false;

  function refresh() {
    const standing = training.get();
    const { record, phase, id } = standing;
    if (phase === "looking" && !record) return;
    const state = store.get();
    const wanted = record && key(record, state, standing);
    blank.hidden = wanted !== null;
    setText(blank, empty(standing));
    full.hidden = wanted === null;
    if (wanted === null) drawn = failed = "";
    if (wanted !== null && wanted !== drawn && wanted !== failed) return void draw(/** @type {TrainingRecord} */ (record), state, wanted);
    if (drawing) return;
    busy.end();
    host.dataset.run = wanted === null ? "" : id;
    host.dataset.painted = canonical(state);
  }

  /** @param {TrainingRecord} record @param {State} state @param {string} wanted */
  async function draw(record, state, wanted) {
    if (drawing) return;
    drawing = true;
    busy.begin();
    try {
      await show(record, state, ending.signal);
      drawn = wanted;
      message.replaceChildren();
      delete message.dataset.kind;
    } catch (error) {
      failed = wanted;
      message.replaceChildren(...withLink(sentenceOf(/** @type {Error} */ (error))), h("button", { type: "button", class: "way-out", onclick: again }, "Try again"));
      message.dataset.kind = "error";
    }
    drawing = false;
    if (!ending.signal.aborted) refresh();
  }

  function again() {
    failed = "";
    refresh();
  }

  const offs = [training.subscribe(refresh), store.subscribe(refresh)];
  return {
    refresh,
    destroy() {
      ending.abort();
      busy.end();
      for (const off of offs) off();
    },
  };
}
