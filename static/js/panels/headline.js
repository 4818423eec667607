/** The sentence of numbers: what the layer is, and what it costs against the standard one. Always in view. */
import { qs, setText } from "../core/dom.js";
import { UNITS, counted, number, pair, ratio, siParts } from "../model/format.js";
import { countLayer } from "../model/counts.js";
import { canonical } from "../core/url.js";
import { figure } from "./figure.js";

/**
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../model/counts.js").Layer} Layer
 */

/**
 * @param {State} state
 * @param {boolean} rounded
 */
function layerText(state, rounded) {
  const [kh, kw] = state.kernel_size;
  const count = state.scheme === "standard" ? "" : ` n = ${number(state.groups)}`;
  const base = state.scheme === "logarithmic" && state.base !== 2 ? `, base ${state.base}` : "";
  const stride = String(state.stride) === "1,1" ? "" : `, stride ${pair(state.stride)}`;
  const channels = `${number(state.in_channels)} → ${counted(state.out_channels, "channel")}`;
  return `${channels}, ${kh}×${kw}${stride}, ${state.scheme}${count}${base}${rounded ? ", rounded" : ""}`;
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../core/store.js").Store}} deps
 */
export function createHeadline(host, { store }) {
  const title = qs("h2", host);
  const params = figure("params", "of standard");
  const work = figure("work", "of standard");
  qs(".panel-body", host).replaceChildren(params.element, work.element);

  /** @param {State} state */
  function show(state) {
    const layer = countLayer(state);
    setText(title, layerText(state, layer.rounded));
    params.write(layer.params, number(layer.params), "params", layer.ratios.params, ratio(layer.ratios.params));
    const count = layer[state.unit];
    const [text, prefix] = siParts(count);
    const unit = `${prefix} ${UNITS[state.unit]}`;
    work.write(count, text, unit.trimStart(), layer.ratios[state.unit], ratio(layer.ratios[state.unit]));
    host.dataset.painted = canonical(state);
  }

  const stop = store.subscribe(show);
  show(store.get());
  return { destroy: stop };
}
