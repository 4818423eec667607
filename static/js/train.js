/** Assembles the page that trains: the state from the link, the panels, and the state back into the link. */
import { keepAddress } from "./core/address.js";
import { ApiError, getJson, sentenceOf } from "./core/api.js";
import { h, qs } from "./core/dom.js";
import * as errors from "./core/errors.js";
import { createLoader } from "./core/loader.js";
import { createStore } from "./core/store.js";
import { createTraining } from "./core/training.js";
import { canonical, isRunOf, parseQuery, runQuery, settle } from "./model/trainstate.js";
import { isActive } from "./model/trainwords.js";
import { createBar } from "./panels/bar.js";
import { createSheet } from "./panels/sheet.js";
import { createAccuracy } from "./panels/train/accuracy.js";
import { createConfusion } from "./panels/train/confusion.js";
import { createControls } from "./panels/train/controls.js";
import { createCurves } from "./panels/train/curves.js";
import { createHeadline } from "./panels/train/headline.js";
import { createLearn } from "./panels/train/learn.js";
import { createPlan } from "./panels/train/plan.js";
import { createRunBar } from "./panels/train/runbar.js";
import { createRuns } from "./panels/train/runs.js";

const boot = JSON.parse(qs("#boot").textContent ?? "{}");
const link = parseQuery(location.search, boot.params);
const kept = createStore(link.state);
/** Whatever a panel asks for, the state stays one that can be. */
const store = { ...kept, update: (/** @type {any} */ patch) => kept.update(settle(kept.get(), patch)) };

/** Beside which field the last refusal stands. @type {string|null|undefined} */
let complained;

function forgive() {
  if (complained !== undefined) errors.clearFieldError(complained);
  complained = undefined;
}

/** @param {Error} error */
function refused(error) {
  forgive();
  const field = error instanceof ApiError ? error.field : null;
  complained = field && document.getElementById(`${field}-message`) ? field : null;
  errors.showFieldError(complained, sentenceOf(error));
}

/** @type {import("./panels/train/plan.js").PlanLoader} */
const plans = createLoader({
  store, key: runQuery, canonical, good: forgive,
  load: (state, signal) => getJson(`/api/trainings/plan?${runQuery(state)}`, { signal }),
  fail(error) {
    refused(error);
    runBar.impossible();
  },
});
const training = createTraining({ store, changed: () => void changed() });
const controls = createControls(qs("#controls"), { store, boot, errors });
const runBar = createRunBar({ store, training, plans, errors, refused });
createHeadline(qs("#headline"), { plans });
createPlan(qs("#plan"), { plans, head: runBar.element });
plans.subscribe({ host: h("div"), element: h("div"), show: ({ own }) => controls.offer(own) });
const curves = createCurves(qs("#curves"), { store, training, errors });
createAccuracy(qs("#accuracy"), { store, training });
createConfusion(qs("#confusion"), { store, training, errors });
createLearn(qs("#learn"), { store, training, errors });
const runs = createRuns(qs("#runs"), { store, training, listed: curves.offer, open });

/** The run comes to the screen, and what it was asked for into the controls. @param {{id: string, query: string}} entry */
function open({ id, query }) {
  const { x, y, confusion, arm, module, ...asked } = parseQuery(query, boot.params).state;
  store.update({ ...asked, run: id, compare: store.get().compare });
}

/** What runs or is kept is another now, and so is how long others wait. */
async function changed() {
  await runs.refresh();
  if (!plans.current()) return;
  getJson(`/api/trainings/plan?${runQuery(store.get())}`).then(runBar.planned, () => {}); // what is wrong was told where it was asked first
}

/** Without a run in the link: the one that trains now, or the last one of what is on screen. */
async function begin() {
  await runs.refresh();
  const { run } = store.get();
  const found = runs.get().find(({ state }) => isActive(state)) ?? runs.get().find(({ state, query }) => state === "done" && isRunOf(query, store.get(), boot.params));
  if (run) return training.look();
  if (!found) return;
  if (location.search && !isRunOf(found.query, store.get(), boot.params)) store.update({ run: found.id });
  else open(found);
}

plans.refresh();
addEventListener("online", plans.refresh);
void begin();
for (const { field, message } of link.errors) errors.showFieldNote(field, message);

const address = keepAddress(store, canonical);
createBar({ writeAddress: address.write });
createSheet(qs("#sheet"), qs("#controls"), qs("#curves"));
