/** Assembles the page that measures: the state from the link, the panels, and the state back into the link. */
import { keepAddress } from "./core/address.js";
import { ApiError, getJson, postJson, sentenceOf } from "./core/api.js";
import { qs } from "./core/dom.js";
import * as errors from "./core/errors.js";
import { createMeasurement } from "./core/measurement.js";
import { createStore } from "./core/store.js";
import { canonical, parseQuery, settle } from "./model/measurestate.js";
import { createBar } from "./panels/bar.js";
import { createControls } from "./panels/measure/controls.js";
import { createHeadline } from "./panels/measure/headline.js";
import { createLatency } from "./panels/measure/latency.js";
import { createParallel } from "./panels/measure/parallel.js";
import { createResults } from "./panels/measure/results.js";
import { createRoofline } from "./panels/measure/roofline.js";
import { createRunBar } from "./panels/measure/runbar.js";
import { createSweep } from "./panels/measure/sweep.js";
import { createWaterfall } from "./panels/measure/waterfall.js";
import { createSheet } from "./panels/sheet.js";

const boot = JSON.parse(qs("#boot").textContent ?? "{}");
const link = parseQuery(location.search, boot.params);
const kept = createStore(link.state);
/** Whatever a panel asks for, the state stays one that can be. */
const store = { ...kept, update: (/** @type {any} */ patch) => kept.update(settle(kept.get(), patch)) };
const deps = { store, boot, errors };

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
  headline.planned(null);
}

const controls = createControls(qs("#controls"), deps);
const results = createResults(qs("#results"), { deleted: () => measurements.forEach(({ look }) => void look()) });
const changed = () => {
  void results.refresh();
  for (const bar of bars) bar.refresh();
};
const [layer, waterfall, sweep, parallel] = ["layer", "waterfall", "sweep", "parallel"].map((kind) => createMeasurement({
  store, kind, changed, key: canonical,
  find: (state, signal) => getJson(`/api/measurements?kind=${kind}&limit=1&${canonical(state)}`, { signal }),
  begin: (state, signal) => postJson(`/api/measurements?kind=${kind}&${canonical(state)}`, undefined, { signal }),
}));
const measurements = [layer, waterfall, sweep, parallel];
const headline = createHeadline(qs("#headline"), { store, measurement: layer });

const layerBar = createRunBar({
  store, measurement: layer, verb: "Measure", refused,
  planned(plan) {
    forgive();
    headline.planned(plan);
    controls.offer(plan.dtypes);
  },
});
const [waterfallBar, sweepBar, parallelBar] = [waterfall, sweep, parallel].map((measurement) =>
  createRunBar({ store, measurement, verb: { waterfall: "Take it apart", sweep: "Sweep", parallel: "Run side by side" }[measurement.kind] ?? "" }));
const bars = [layerBar, waterfallBar, sweepBar, parallelBar];

createLatency(qs("#latency"), { store, measurement: layer, head: layerBar.element });
createRoofline(qs("#roofline"), { store, measurement: layer });
createWaterfall(qs("#waterfall"), { store, measurement: waterfall, head: waterfallBar.element });
createSweep(qs("#sweep"), { store, measurement: sweep, head: sweepBar.element });
createParallel(qs("#parallel"), { store, measurement: parallel, head: parallelBar.element });
for (const { look } of measurements) void look();
void results.refresh();

for (const { field, message } of link.errors) errors.showFieldNote(field, message);

const address = keepAddress(store, canonical);
createBar({ writeAddress: address.write });
createSheet(qs("#sheet"), qs("#controls"), qs("#latency"));
