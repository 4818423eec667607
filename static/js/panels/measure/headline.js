/** The sentence of numbers: which layer, what its MACs promise, what was measured. */
import { h, qs, setText } from "../../core/dom.js";
import { counted, number } from "../../model/format.js";
import { canonical } from "../../model/measurestate.js";
import { factor, time } from "../../model/measurewords.js";

/** @typedef {import("../../model/measurestate.js").FrozenMeasureState} State */

/** @param {State} state */
export function splitName({ scheme, groups }) {
  return scheme === "standard" || scheme === "depthwise" ? scheme : `${scheme} n\u202f=\u202f${groups}`;
}

/** @param {State} state */
export function layerName({ in_channels: a, out_channels: b, kernel_size, height, width, batch }) {
  const channels = a === b ? counted(a, "channel") : `${number(a)} → ${counted(b, "channel")}`;
  return `${channels}, ${kernel_size.join("\u202f×\u202f")}, on ${height}\u202f×\u202f${width}${batch > 1 ? `, batch ${batch}` : ""}`;
}

/** @param {string} name @param {string} unit */
function cell(name, unit) {
  const value = h("span", { class: "figure-value", "data-name": name }, "–");
  const after = h("span", { class: "figure-unit" }, unit);
  return {
    element: h("p", { class: "figure" }, h("span", {}, value, " ", after)),
    /** @param {string} text @param {number|null} number */
    write(text, number) {
      setText(value, text);
      value.dataset.value = String(number);
    },
  };
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, measurement: import("../../core/measurement.js").Measurement}} deps
 */
export function createHeadline(host, { store, measurement }) {
  const title = qs("h2", host);
  const cells = {
    promised: cell("promised", "promised by MACs"), plain: cell("plain", "as people write it"),
    best: cell("best", "at its best"), time: cell("time", "for one pass"),
  };
  qs(".panel-body", host).replaceChildren(...Object.values(cells).map(({ element }) => element));
  /** @type {number|null} */
  let promised = null;
  let planned = ""; // for which state

  function show() {
    const state = store.get();
    const { result, phase } = measurement.get();
    setText(title, `${layerName(state)}, ${splitName(state)}`);
    cells.promised.write(promised === null ? "–" : factor(promised), promised);
    if (phase === "looking") return;
    const rows = (result?.rows ?? []).filter((/** @type {any} */ row) => row.arm === state.scheme);
    for (const how of /** @type {const} */ (["plain", "best"])) {
      const found = rows.find((/** @type {any} */ row) => row.how === how);
      cells[how].write(found ? factor(found.measured) : "–", found?.measured ?? null);
    }
    const best = rows.find((/** @type {any} */ row) => row.how === "best") ?? rows[0];
    cells.time.write(best ? time(best.median) : "not measured yet", best?.median ?? null);
    if (planned === canonical(state)) host.dataset.painted = planned;
  }

  const off = measurement.subscribe(show);
  return {
    /** @param {import("./runbar.js").Plan|null} plan */
    planned(plan) {
      promised = plan?.arms.find(({ arm }) => arm === store.get().scheme)?.promised ?? null;
      planned = canonical(store.get());
      show();
    },
    destroy: off,
  };
}
