/** Starts a run, tells beforehand how long it takes and while it trains how far it is; pauses, resumes and ends it. */
import { ApiError, sentenceOf } from "../../core/api.js";
import { h, setText } from "../../core/dom.js";
import { withLink } from "../../core/errors.js";
import { counted } from "../../model/format.js";
import { duration } from "../../model/measurewords.js";
import { runQuery } from "../../model/trainstate.js";
import { STATES, epochsThatFit, estimateText, isActive, sentenced } from "../../model/trainwords.js";

/**
 * @param {object} deps
 * @param {import("../../model/trainstate.js").TrainStore} deps.store
 * @param {import("../../core/training.js").Training} deps.training
 * @param {import("./plan.js").PlanLoader} deps.plans
 * @param {import("../../core/errors.js").Errors} deps.errors
 * @param {(error: Error) => void} deps.refused  it can't be trained: beside which field that stands
 */
export function createRunBar({ store, training, plans, errors, refused }) {
  const run = h("button", { type: "button", class: "run", id: "train-run", onclick: () => void start() }, "Train");
  const ahead = h("span", { class: "ahead", id: "train-estimate" });
  const hold = h("button", { type: "button", id: "train-pause", onclick: () => void (training.get().phase === "paused" ? training.resume() : training.pause()) }, "Pause");
  const stop = h("button", { type: "button", id: "train-cancel", onclick: () => void training.cancel() }, "Cancel");
  const again = h("button", { type: "button", id: "train-resume", hidden: true, onclick: () => void training.resume() }, "Resume it");
  const bar = h("progress", { id: "train-progress", max: "1", value: "0", "aria-label": "Progress of the run" });
  const stage = h("span", { class: "stage" });
  const going = h("div", { class: "going", hidden: true }, bar, stage, hold, stop);
  const ended = h("p", { class: "ended", hidden: true });
  const message = h("p", { class: "message", id: "train-message", "aria-live": "polite" });
  const element = h("div", { class: "run-bar", id: "train-bar" }, h("div", { class: "run-line" }, run, ahead), going, ended, message);
  let asking = false;
  let failed = "";
  let limited = false;
  let possible = false; // as it stands now: what is asked for and not answered yet is not

  async function start() {
    [asking, failed] = [true, ""];
    show(training.get());
    try {
      await training.start(runQuery(store.get()));
    } catch (error) {
      const { field } = error instanceof ApiError ? error : { field: null };
      if (field && document.getElementById(`${field}-message`)) refused(/** @type {Error} */ (error));
      else failed = sentenceOf(/** @type {Error} */ (error));
    }
    asking = false;
    show(training.get());
  }

  /** @param {import("./plan.js").Plan} plan */
  function planned(plan) {
    possible = plan.allowed;
    setText(ahead, estimateText(plan));
    if (limited) errors.clearFieldError("epochs");
    limited = !plan.allowed;
    if (limited) {
      const fit = epochsThatFit(plan);
      const way = fit >= 1 ? [{ label: `Train ${counted(fit, "epoch")}`, run: () => store.update({ epochs: fit }) }] : [];
      errors.showFieldError("epochs", `${counted(plan.epochs, "epoch")} would take ${duration(plan.estimate_seconds)}; the limit is ${duration(plan.limit_seconds)}.${fit >= 1 ? "" : " Fewer seeds, modules or channels fit."}`, way);
    }
    show(training.get());
  }

  /** @param {import("../../core/training.js").Standing} standing */
  function show({ phase, position, progress, note, record }) {
    const busy = isActive(phase);
    run.disabled = asking || !possible;
    setText(run, busy ? "Train another" : "Train");
    ahead.hidden = false;
    going.hidden = !busy;
    hold.hidden = phase === "queued";
    setText(hold, phase === "paused" ? "Resume" : "Pause");
    if (progress && phase !== "queued") {
      bar.max = progress.total;
      bar.value = progress.done;
      setText(stage, phase === "paused" ? `Paused · ${progress.done} of ${progress.total} steps` : `${sentenced(progress.stage || "about to start")} · ${progress.done} of ${progress.total} steps · ${duration(progress.seconds_left)} left`);
    } else {
      bar.removeAttribute("value");
      setText(stage, phase === "queued" && position > 0 ? `Waiting: ${position === 1 ? "one run" : `${position} runs`} before it` : "About to start");
    }
    const over = phase === "cancelled" || phase === "failed";
    ended.hidden = !over;
    if (over) ended.replaceChildren(`${record?.label ?? "The run"}: ${STATES[phase]}. `, again);
    again.hidden = !over;
    const told = failed || note;
    message.replaceChildren(...(told ? withLink(told) : []));
    element.dataset.phase = phase;
  }

  const offPlans = plans.subscribe({ host: h("div"), element: ahead, show: planned });
  const offTraining = training.subscribe(show);
  return {
    element,
    planned,
    /** Nothing can be started as it stands. */
    impossible() {
      possible = false;
      if (limited) errors.clearFieldError("epochs");
      limited = false;
      setText(ahead, "Not possible as it stands.");
      show(training.get());
    },
    destroy() {
      offPlans();
      offTraining();
    },
  };
}
