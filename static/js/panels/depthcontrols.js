/**
 * The depth panel's own controls. Ids are the API's names, but for `depth`, which names the panel: `#depth_layers`.
 *
 * @typedef {import("../core/store.js").Store} Store
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../model/params.js").Params} Params
 * @typedef {"depth"|"stage"} Count
 * @typedef {"halve"|"cumulative"|"log"} Switch
 */
import { ApiError, getJson } from "../core/api.js";
import { h, listeners } from "../core/dom.js";
import { depthQuery } from "../core/url.js";
import { UNITS } from "../model/format.js";
import { paramOf, readValue } from "../model/params.js";

const IDS = { depth: "depth_layers", stage: "stage" };
const LABELS = { depth: "Layers", stage: "Layers per stage" };

/** @param {string} id @param {string|null|undefined} text */
const help = (id, text) => h("span", { class: "help", id: `${id}-help` }, text);

/**
 * @param {Count} key
 * @param {Params} params
 */
function countField(key, params) {
  const { min, max, help: text } = paramOf(key, params);
  const id = IDS[key];
  const described = { "aria-describedby": `${id}-help` };
  const box = h("input", {
    type: "text", class: "number", id: `${id}-number`, inputmode: "numeric", autocomplete: "off",
    "aria-label": `${LABELS[key]}, number`, ...described,
  });
  const slider = h("input", { type: "range", id, min, max, step: 1, ...described });
  const message = h("p", { class: "message", id: `${id}-message`, "aria-live": "polite" });
  const label = h("label", { for: id }, LABELS[key]);
  const element = h("div", { class: "field", "data-field": id }, label, box, slider, help(id, text), message);
  return { element, box, slider };
}

/**
 * @param {Switch} key
 * @param {string} label
 * @param {Params} params
 */
function switchField(key, label, params) {
  const input = h("input", { type: "checkbox", id: key, "aria-describedby": `${key}-help` });
  const name = h("label", { for: key }, label);
  const element = h("div", { class: "field check", "data-field": key }, input, name, help(key, paramOf(key, params).help));
  return { element, input };
}

/** @param {Params} params */
function metricField(params) {
  const options = Object.entries(UNITS).map(([value, text]) => h("option", { value }, text));
  const select = h("select", { id: "metric", "aria-describedby": "metric-help" }, ...options);
  const label = h("label", { for: "metric" }, "Count");
  const text = paramOf("metric", params).help;
  const element = h("div", { class: "field pick", "data-field": "metric" }, label, select, help("metric", text));
  return { element, select };
}

/** @param {{store: Store, boot: {params: Params}, errors: import("../core/errors.js").Errors}} deps */
export function createDepthControls({ store, boot: { params }, errors }) {
  const own = listeners();
  const counts = { depth: countField("depth", params), stage: countField("stage", params) };
  const switches = {
    halve: switchField("halve", "Halve height and width", params),
    cumulative: switchField("cumulative", "Cumulative", params),
    log: switchField("log", "Logarithmic axis", params),
  };
  const metric = metricField(params);
  /** @type {Map<Count, AbortController>} */
  const asking = new Map();

  /**
   * @param {Count} key
   * @param {string} raw
   */
  function attempt(key, raw) {
    const value = readValue(key, raw, params);
    asking.get(key)?.abort();
    if (value === undefined) return void explain(key, raw);
    errors.clearFieldError(IDS[key]);
    store.update({ [key]: value });
  }

  /**
   * The server has the words for what is wrong.
   * @param {Count} key
   * @param {string} raw
   */
  async function explain(key, raw) {
    const query = new URLSearchParams(depthQuery(store.get()));
    query.set(key, raw);
    const controller = new AbortController();
    asking.set(key, controller);
    try {
      await getJson(`/api/depth?${query}`, controller);
    } catch (error) {
      if (controller.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      errors.showFieldError(IDS[key], error.sentence);
    }
  }

  for (const key of /** @type {Count[]} */ (["depth", "stage"])) {
    const { slider, box } = counts[key];
    own.on(slider, "input", () => attempt(key, slider.value));
    own.on(box, "change", () => attempt(key, box.value));
  }
  for (const key of /** @type {Switch[]} */ (["halve", "cumulative", "log"])) {
    const { input } = switches[key];
    own.on(input, "change", () => store.update({ [key]: input.checked }));
  }
  own.on(metric.select, "change", () => store.update({ metric: /** @type {State["metric"]} */ (metric.select.value) }));

  /** @param {State} state */
  function show(state) {
    for (const key of /** @type {Count[]} */ (["depth", "stage"])) {
      for (const input of [counts[key].slider, counts[key].box]) {
        if (input.value !== String(state[key])) input.value = String(state[key]);
      }
    }
    for (const key of /** @type {Switch[]} */ (["halve", "cumulative", "log"])) switches[key].input.checked = state[key];
    metric.select.value = state.metric;
  }

  const unsubscribe = store.subscribe(show);
  show(store.get());
  return {
    element: h("div", { class: "depth-controls" }, counts.depth.element, counts.stage.element, metric.element,
      h("div", { class: "depth-switches" }, switches.halve.element, switches.cumulative.element, switches.log.element)),
    destroy() {
      unsubscribe();
      own.end();
      for (const controller of asking.values()) controller.abort();
    },
  };
}
