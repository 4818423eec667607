/** Starts a measurement, tells how long it will take, how far it is, and ends it. */
import { getJson } from "../../core/api.js";
import { h, listeners, setText } from "../../core/dom.js";
import { withLink } from "../../core/errors.js";
import { createLoader } from "../../core/loader.js";
import { canonical } from "../../model/measurestate.js";
import { duration } from "../../model/measurewords.js";

/**
 * @typedef {{estimate_seconds: number, limit_seconds: number, allowed: boolean, waiting: number, assumed_gflops: number,
 *   measured_ceiling: boolean, dtypes: string[], arms: {arm: string, label: string, promised: number}[], skipped: Record<string, string>}} Plan
 */

/**
 * @param {object} deps
 * @param {import("../../core/measurement.js").Measurement} deps.measurement
 * @param {string} deps.verb  what the button says
 * @param {import("../../model/measurestate.js").MeasureStore} [deps.store]  of a layer, whose measurement can be planned beforehand
 * @param {(error: Error) => void} [deps.refused]  the layer can't be run at all: beside which field that stands
 * @param {(plan: Plan) => void} [deps.planned]
 */
export function createRunBar({ measurement, verb, store, refused = () => {}, planned = () => {} }) {
  const { kind } = measurement;
  const run = h("button", { type: "button", class: "run", id: `${kind}-run`, onclick: () => void measurement.start() }, verb);
  const stop = h("button", { type: "button", id: `${kind}-cancel`, onclick: () => void measurement.cancel() }, "Cancel");
  const ahead = h("span", { class: "ahead", id: `${kind}-estimate` });
  const bar = h("progress", { id: `${kind}-progress`, max: "1", value: "0", "aria-label": `Progress: ${verb}` });
  const stage = h("span", { class: "stage" });
  const going = h("div", { class: "going", hidden: true }, bar, stage, stop);
  const message = h("p", { class: "message", id: `${kind}-message`, "aria-live": "polite" });
  const element = h("div", { class: "run-bar" }, h("div", { class: "run-line" }, run, ahead), going, message);
  const { on, end } = listeners();
  /** @type {Plan|null} */
  let plan = null;

  const loader = store && createLoader({
    store, key: canonical, canonical, load: ask,
    fail(error) {
      plan = null;
      refused(error);
      setText(ahead, "Not possible as it stands.");
      run.disabled = true;
    },
  });
  const off = loader?.subscribe({ host: h("div"), element: ahead, show: takePlan });

  /** @param {import("../../model/measurestate.js").FrozenMeasureState} state @param {AbortSignal} [signal] @returns {Promise<Plan>} */
  function ask(state, signal) {
    return getJson(`/api/measurements/plan?kind=${kind}&${canonical(state)}`, { signal });
  }

  /** @param {Plan} found */
  function takePlan(found) {
    plan = found;
    planned(found);
    show(measurement.get());
  }

  /** @param {Plan} found */
  function estimate({ estimate_seconds, limit_seconds, allowed, waiting, measured_ceiling, assumed_gflops }) {
    const rate = measured_ceiling ? "" : `, supposing ${Math.round(assumed_gflops)} GFLOP/s until this device is known`;
    if (!allowed) return `Would take ${duration(estimate_seconds)}${rate}; the limit is ${duration(limit_seconds)}. Fewer rounds or a smaller layer fit.`;
    const queue = waiting ? ` Behind ${waiting === 1 ? "another measurement" : `${waiting} others`}.` : "";
    return `Takes ${estimate_seconds < 1.5 ? "" : "about "}${duration(estimate_seconds)}${rate}.${queue}`;
  }

  /** @param {import("../../core/measurement.js").Standing} standing */
  function show({ phase, position, progress, note, result }) {
    const busy = phase === "asking" || phase === "queued" || phase === "running";
    run.disabled = busy || (Boolean(store) && !plan?.allowed);
    setText(run, result && phase === "done" ? `${verb} again` : verb);
    if (plan) setText(ahead, busy ? "" : estimate(plan));
    going.hidden = !busy;
    if (progress && phase === "running") {
      bar.max = progress.total;
      bar.value = progress.done;
      setText(stage, `${progress.stage} · ${progress.done} of ${progress.total} · ${duration(progress.seconds_left)} left`);
    } else {
      bar.removeAttribute("value");
      setText(stage, position > 0 ? `waiting: ${position === 1 ? "one" : position} before it` : "about to start");
    }
    message.replaceChildren(...(note ? withLink(note) : []));
  }

  const unsubscribe = measurement.subscribe(show);
  if (loader) {
    on(window, "online", loader.refresh);
    loader.refresh();
  }
  return {
    element,
    /** What is said of it may be another now: the queue, the device's ceilings. */
    refresh() {
      if (store && plan) ask(store.get()).then(takePlan, () => {}); // what is wrong is told where it was asked first
    },
    destroy() {
      unsubscribe();
      off?.();
      end();
      loader?.destroy();
    },
  };
}
