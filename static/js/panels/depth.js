/**
 * Cost against depth: a chart of the server's figure, what is true of it in words, the numbers as a table and as files.
 * The chart waits for the maps: they follow the finger, it need not.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../core/store.js").Store} Store
 * @typedef {import("../core/plotly.js").Figure} Figure
 * @typedef {import("./depthtable.js").Row} Row
 * @typedef {{rows: Row[], notes: string[]}} Costs
 * @typedef {{state: State, figure: Figure, costs: Costs}} Shown
 */
import { ApiError, getJson } from "../core/api.js";
import { createBusy } from "../core/busy.js";
import { h, listeners, qs, setText } from "../core/dom.js";
import { download, downloadText } from "../core/files.js";
import { createLatest } from "../core/latest.js";
import { clear, draw, hover, picture, preload } from "../core/plotly.js";
import { onTheme, token } from "../core/theme.js";
import { canonical, depthQuery } from "../core/url.js";
import { EXPORT_HEIGHT, exported, themed } from "../draw/chart.js";
import { toCsv } from "../model/csv.js";
import { createDepthControls } from "./depthcontrols.js";
import { createDepthTable, sentenceOf } from "./depthtable.js";

const HINT = "Point at a layer, or focus the chart and use the arrow keys.";
const MAPS_FIRST_MS = 60; // how long a new chart gives way to new maps
const PATIENCE_MS = 3000; // then the first chart no longer waits for maps that may have failed

/** @param {State} state */
const figureQuery = (state) =>
  `${depthQuery(state)}&metric=${state.metric}&cumulative=${state.cumulative}&log=${state.log}`;

/**
 * Resolves once the maps of the present state are painted, or after `most` milliseconds.
 * @param {Store} store
 * @param {number} most
 */
function afterMaps(store, most) {
  if (document.getElementById("maps")?.dataset.painted === canonical(store.get())) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, most);
    document.addEventListener("maps-painted", () => resolve(clearTimeout(timer)), { once: true });
  });
}

/**
 * @param {HTMLElement} host
 * @param {{store: Store, boot: {params: import("../model/params.js").Params}, errors: import("../core/errors.js").Errors}} deps
 */
export function createDepthPanel(host, deps) {
  const { store, errors } = deps;
  const body = qs(".panel-body", host);
  const controls = createDepthControls(deps);
  const name = "Chart of cost against depth";
  const chart = h("div", { class: "depth-chart", tabindex: "0", role: "group", "aria-label": name });
  const spoken = h("p", { class: "depth-readout", "aria-live": "polite" }, HINT);
  const message = h("p", { class: "message", id: "depth-message", "aria-live": "polite" });
  const notes = h("div", { class: "depth-notes" });
  const saves = ["CSV", "PNG", "SVG"].map((kind) =>
    h("button", { type: "button", id: `depth-${kind.toLowerCase()}`, onclick: () => save(kind) }, kind),
  );
  const files = h("div", { class: "depth-files" }, "Download ", ...saves);
  const table = createDepthTable();
  body.append(controls.element, message, chart, spoken, notes, files, table.element);

  const own = listeners();
  const latest = createLatest();
  const busy = createBusy(chart);
  /** What the chart's pixels say. @type {Shown|null} */
  let shown = null;
  /** What they are about to say. @type {Shown|null} */
  let drawing = null;
  /** @type {Promise<void>|null} */
  let started = null;
  let layer = -1;

  function refresh() {
    const state = store.get();
    const held = drawing ?? shown;
    if (held && figureQuery(held.state) === figureQuery(state)) {
      latest.cancel();
      if (!drawing) settle(held);
      return;
    }
    busy.begin();
    latest.submit((signal) => load(state, signal));
  }

  /**
   * @param {State} state
   * @param {AbortSignal} signal
   */
  async function load(state, signal) {
    try {
      started ??= afterMaps(store, PATIENCE_MS);
      await started;
      const [figure, costs] = await Promise.all([
        getJson(`/api/figures/depth?${figureQuery(state)}`, { signal }),
        costsOf(state, signal),
        preload(),
      ]);
      await afterMaps(store, MAPS_FIRST_MS);
      if (!signal.aborted) await show({ state, figure, costs });
    } catch (error) {
      const superseded = signal.aborted || figureQuery(state) !== figureQuery(store.get());
      if (!superseded) complain(error);
    }
  }

  /**
   * @param {State} state
   * @param {AbortSignal} signal
   * @returns {Promise<Costs>}
   */
  async function costsOf(state, signal) {
    const query = depthQuery(state);
    return shown && depthQuery(shown.state) === query ? shown.costs : getJson(`/api/depth?${query}`, { signal });
  }

  /** @param {Shown} next */
  const redraw = ({ figure }) => draw(chart, themed(figure, token, chart.clientWidth));

  /** @param {Shown} next */
  async function show(next) {
    drawing = next;
    let newest = true;
    try {
      await redraw(next);
    } finally {
      newest = drawing === next;
      if (newest) drawing = null;
    }
    if (!newest) return;
    shown = next;
    notes.replaceChildren(...next.costs.notes.map((note) => h("p", {}, note)));
    table.show(next.state, next.costs.rows);
    settle(next);
  }

  /**
   * Once its pixels stand: whether they are what the page asks for now, or still dim.
   * @param {Shown} drawn
   */
  function settle({ state }) {
    const now = store.get();
    const current = figureQuery(now) === figureQuery(state);
    busy.end();
    if (current) errors.clearFieldError("depth");
    else busy.begin();
    host.dataset.painted = canonical(current ? now : state);
  }

  /** @param {unknown} error */
  function complain(error) {
    busy.end();
    if (!(error instanceof Error)) throw error;
    const refused = error instanceof ApiError && error.refused;
    const again = refused ? [] : [{ label: "Try again", run: refresh }];
    errors.showFieldError("depth", error instanceof ApiError ? error.sentence : error.message, again);
  }

  /** @param {number} to */
  function pointAt(to) {
    if (!shown) return;
    layer = Math.min(shown.state.depth - 1, Math.max(0, to));
    void hover(chart, layer);
    setText(spoken, sentenceOf(shown.state, shown.costs.rows, layer));
  }

  /** @param {string} kind */
  async function save(kind) {
    if (!shown) return;
    const name = `depth-${shown.state.metric}.${kind.toLowerCase()}`;
    if (kind !== "CSV") {
      const format = kind === "PNG" ? "png" : "svg";
      const width = chart.clientWidth;
      return download(await picture(exported(shown.figure, token, width), { format, width, height: EXPORT_HEIGHT }), name);
    }
    downloadText(toCsv(shown.costs.rows), "text/csv", name);
  }

  own.on(chart, "keydown", (event) => {
    const steps = { ArrowRight: layer + 1, ArrowLeft: layer - 1, Home: 0, End: Infinity };
    const to = /** @type {Record<string, number|undefined>} */ (steps)[event.key];
    if (to === undefined) return;
    event.preventDefault();
    pointAt(to);
  });
  own.on(chart, "blur", () => {
    layer = -1;
    setText(spoken, HINT);
    void hover(chart, null);
  });
  const again = () => {
    const held = drawing ?? shown;
    if (held) void redraw(held);
  };
  own.on(window, "resize", again);
  const offTheme = onTheme(again);
  const unsubscribe = store.subscribe((state, prev) => {
    if (canonical(state) !== canonical(prev)) refresh();
  });
  refresh();

  return {
    destroy() {
      unsubscribe();
      offTheme();
      own.end();
      latest.cancel();
      busy.end();
      controls.destroy();
      table.destroy();
      void clear(chart);
      body.replaceChildren();
    },
  };
}
