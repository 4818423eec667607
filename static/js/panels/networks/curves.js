/**
 * Curves against depth: the original, the variant and whatever curves were kept, in one chart. Pointing at a place marks
 * the row of the table, and the other way round.
 */
import { postJson } from "../../core/api.js";
import { h, listeners, qs, setText } from "../../core/dom.js";
import { createPanelLoader, subjectOf } from "../../core/whatif.js";
import { dressed } from "../../draw/curves.js";
import { METRICS, fixed, si } from "../../model/format.js";
import { MAIN_KINDS, MOST_PINS, OWN, canonical, changesText, networkTable, pinOf } from "../../model/networkstate.js";
import { createChartView } from "../chartview.js";
import { bindFields } from "../fields.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {import("../../model/networkstate.js").Pin} Pin
 * @typedef {import("../../core/plotly.js").Figure} Figure
 */

const LABEL = 200; // characters, as the server takes them

/**
 * Original, variant where it is another network, and the curves kept.
 * @param {State} state
 * @param {(id: string) => string} nameOf
 */
function seriesOf(state, nameOf) {
  const now = pinOf(state);
  const label = (/** @type {Pin} */ pin) => [nameOf(pin.network), changesText(pin)].filter(Boolean).join(", ");
  const plain = { network: state.network, policy: null, hold: "channels", edits: {} };
  const pins = [plain, ...(changesText(now) ? [now] : []), ...state.pins];
  const seen = new Set();
  return pins
    .map((pin, i) => ({ pin, label: i === 0 ? nameOf(pin.network) : i === 1 && pin === now ? changesText(pin) : label(pin) }))
    .filter(({ pin }) => {
      const key = JSON.stringify([pin.network, pin.policy, pin.hold, pin.edits]);
      return !seen.has(key) && seen.add(key);
    });
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors,
 *   whatIf: import("../../core/whatif.js").WhatIfLoader, nameOf: (id: string) => string, reveal: () => void}} deps
 */
export function createCurves(host, { store, errors, whatIf, nameOf, reveal }) {
  const own = listeners();
  const fields = bindFields({ store, errors, table: networkTable }, ["cumulative", "log"]);
  const why = qs("#pin-why", host);
  const pinButton = /** @type {HTMLButtonElement} */ (qs("#pin", host));
  const pins = h("ul", { class: "pins", "aria-label": "Curves kept" });
  const message = h("p", { class: "message", id: "curves-message", "aria-live": "polite" });
  let pointing = false;
  const view = createChartView({
    id: "curves-chart",
    label: "Chart of cost against depth, layer by layer",
    file: "network-depth",
    dress: dressed,
    walk: {
      places: () => layers(),
      sentence,
      moved(at) {
        pointing = true;
        store.update({ selected: at });
        pointing = false;
        if (at !== null) reveal();
      },
    },
  });
  qs(".panel-body", host).replaceChildren(message, pins, view.element);

  /** Places of the layers that the table shows. */
  function layers() {
    const rows = whatIf.get()?.variant.rows ?? [];
    return rows.filter(({ kind }) => store.get().layers === "all" || MAIN_KINDS.has(kind)).map(({ index }) => index);
  }

  /** @param {number} at */
  function sentence(at) {
    const data = whatIf.get();
    const { metric } = store.get();
    const [was, is] = [data?.original.rows[at], data?.variant.rows[at]];
    if (!was || !is) return "";
    const text = (/** @type {any} */ n) => (metric === "arithmetic_intensity" ? fixed(Number(n), 2) : si(Number(n)));
    return `${is.name} ${is.kind}, ${is.output_shape.join(" × ")}: original ${text(was[metric])}, variant ${text(is[metric])} ${METRICS[metric]}`;
  }

  /** A kept curve that came with a link may be one that cannot be. @param {import("../../core/api.js").ApiError} error */
  function exits({ field }) {
    const drop = () => store.update({ pins: [] });
    return field?.startsWith("series[") && store.get().pins.length ? [{ label: "Drop the kept curves", run: drop }] : [];
  }

  /** @param {State} state */
  const bodyOf = (state) => ({
    series: seriesOf(state, nameOf).map(({ pin, label }) => ({ ...subjectOf(state, pin), label: label.slice(0, LABEL) })),
    metric: state.metric,
    cumulative: state.cumulative,
    log: state.log,
  });

  const loader = createPanelLoader({ store, errors }, "curves", (state) => JSON.stringify(bodyOf(state)), (state, signal) =>
    postJson("/api/figures/network", bodyOf(state), { signal }),
  { exits });
  const off = loader.subscribe({ host, element: view.element, show: (/** @type {Figure} */ figure) => view.show(figure) });

  function keep() {
    const state = store.get();
    store.update({ pins: [...state.pins, pinOf(state)].slice(0, MOST_PINS) });
  }

  /** @param {number} at */
  const drop = (at) => store.update({ pins: store.get().pins.filter((_, i) => i !== at) });

  function showPins() {
    const state = store.get();
    pins.replaceChildren(...state.pins.map((pin, i) => {
      const words = [nameOf(pin.network), changesText(pin)].filter(Boolean).join(", ");
      return h("li", {}, words, " ", h("button", { type: "button", class: "remove", "aria-label": `Drop the curve ${words}`, onclick: () => drop(i) }, "×"));
    }));
    const same = state.pins.some((pin) => JSON.stringify(pin) === JSON.stringify(pinOf(state)));
    const own = state.network === OWN && "a network of your own is in no link";
    const reason = own || (same && "it is kept already") || (state.pins.length >= MOST_PINS && `${MOST_PINS} curves are kept: drop one`) || "";
    pinButton.disabled = Boolean(reason);
    setText(why, reason);
  }

  own.on(pinButton, "click", keep);
  const unsubscribe = store.subscribe((state, prev) => {
    if (state.selected !== prev.selected && !pointing) view.pointAt(state.selected);
    if (canonical(state) !== canonical(prev)) showPins();
  });
  showPins();
  loader.refresh();

  return {
    ahead: loader.ahead,
    destroy() {
      off();
      unsubscribe();
      loader.destroy();
      fields.destroy();
      view.destroy();
      own.end();
    },
  };
}
