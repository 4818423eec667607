/** The sentence of numbers: what the layer is, and what it costs against the standard one. Always in view. */
import { h, qs, setText } from "../core/dom.js";
import { UNITS, counted, number, pair, ratio, siParts } from "../model/format.js";
import { countLayer } from "../model/counts.js";
import { canonical } from "../core/url.js";

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

/** A figure with its unit and its ratio, in cells of constant width. @param {string} name */
function figure(name) {
  const value = h("span", { class: "figure-value", "data-name": name });
  const unit = h("span", { class: "figure-unit" });
  const share = h("span", { class: "figure-ratio", "data-name": `${name}-ratio` });
  const against = h("span", {}, share, h("span", { class: "figure-unit figure-against" }, " of standard"));
  return { element: h("p", { class: "figure" }, h("span", { class: "figure-count" }, value, " ", unit), against), value, unit, share };
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../core/store.js").Store}} deps
 */
export function createHeadline(host, { store }) {
  const title = qs("h2", host);
  const params = figure("params");
  const work = figure("work");
  qs(".panel-body", host).replaceChildren(params.element, work.element);

  /** @param {ReturnType<typeof figure>} cell @param {number} count @param {string} text @param {string} unit @param {number} share */
  function write(cell, count, text, unit, share) {
    setText(cell.value, text);
    cell.value.dataset.value = String(count);
    setText(cell.unit, unit);
    setText(cell.share, ratio(share));
    cell.share.dataset.value = String(share);
  }

  /** @param {State} state */
  function show(state) {
    const layer = countLayer(state);
    setText(title, layerText(state, layer.rounded));
    write(params, layer.params, number(layer.params), "params", layer.ratios.params);
    const count = layer[state.unit];
    const [text, prefix] = siParts(count);
    const unit = `${prefix} ${UNITS[state.unit]}`;
    write(work, count, text, unit.trimStart(), layer.ratios[state.unit]);
    host.dataset.painted = canonical(state);
  }

  const stop = store.subscribe(show);
  show(store.get());
  return { destroy: stop };
}
