/** Groups placed on devices: what each holds and computes, what crosses between them, what an uneven split can use. */
import { postJson } from "../../core/api.js";
import { h, qs } from "../../core/dom.js";
import { createPanelLoader, subjectOf } from "../../core/whatif.js";
import { fixed, memory, number, si } from "../../model/format.js";
import { bindFields } from "./fields.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {{index: number, params: number, weight_bytes: number, activations: number, macs: number}} Device
 * @typedef {{devices: Device[], crossings: {layer: string, elements: number, why: string}[], crossing_elements: number,
 *   bounds: {layer: string, speedup: number}[], notes: string[]}} Placement
 */

/**
 * @param {string} label
 * @param {string[]} heads
 * @param {(Node|string)[][]} rows  the first cell of each heads its row
 */
function tableOf(label, heads, rows) {
  const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col", class: text === "Why" ? "words" : null }, text)));
  const body = rows.map(([first, ...cells]) => h("tr", {}, h("th", { scope: "row" }, first), ...cells.map((cell) => (cell instanceof Node ? cell : h("td", {}, cell)))));
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, head), h("tbody", {}, ...body)));
}

/** @param {string} name @param {number} value @param {string} text */
const cell = (name, value, text) => h("td", { "data-name": name, "data-value": value, title: number(value) }, text);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors}} deps
 */
export function createDevices(host, { store, errors }) {
  const fields = bindFields({ store, errors }, ["devices"], { devices: "device_count" });
  const message = h("p", { class: "message", id: "devices-message", "aria-live": "polite" });
  const body = h("div", { class: "devices-body" });
  qs(".panel-body", host).replaceChildren(message, body);

  /** @param {State} state */
  const bodyOf = (state) => ({ ...subjectOf(state), devices: state.devices });

  const loader = createPanelLoader({ store, errors }, "devices", (state) => JSON.stringify(bodyOf(state)), (state, signal) =>
    postJson("/api/networks/placement", bodyOf(state), { signal }),
  );

  /** @param {Placement} placement */
  function show({ devices, crossings, crossing_elements, bounds, notes }) {
    const work = devices.map(({ macs }) => macs);
    const share = work.reduce((sum, macs) => sum + macs, 0) / Math.max(1, ...work);
    const held = tableOf("Devices", ["Device", "Params", "Weights", "MACs", "Activations"], devices.map((device) => [
      `GPU ${device.index + 1}`,
      cell("device-params", device.params, number(device.params)),
      cell("device-weights", device.weight_bytes, memory(device.weight_bytes)),
      cell("device-macs", device.macs, `${si(device.macs)}MACs`.replace(/(\d)MACs/, "$1 MACs")),
      cell("device-activations", device.activations, number(device.activations)),
    ]));
    const crossed = crossings.length
      ? tableOf("Activations that cross", ["Before", "Elements per image", "Why"], crossings.map(({ layer, elements, why }) => [
          layer, cell("crossing", elements, number(elements)), h("td", { class: "why" }, why),
        ]))
      : h("p", {}, "No activation crosses between the devices.");
    body.replaceChildren(
      held,
      h("p", {}, `Work is worth ${fixed(share, 2)} of ${devices.length} devices: the busiest one sets the pace.`),
      h("h3", {}, "What crosses, forward, both directions"),
      h("p", { "data-name": "crossing-elements", "data-value": crossing_elements }, `${number(crossing_elements)} elements per image in all.`),
      crossed,
      ...(bounds.length ? [h("h3", {}, "Uneven splits"), boundsOf(bounds)] : []),
      h("div", { class: "notes" }, ...notes.map((note) => h("p", {}, note))),
    );
  }

  /** @param {Placement["bounds"]} bounds */
  const boundsOf = (bounds) =>
    h("p", {}, "One device a group, a split can use at most sum / largest devices’ worth: ",
      bounds.map(({ layer, speedup }) => `${layer} ${fixed(speedup, 3)}×`).join(", "), ".");

  const off = loader.subscribe({ host, element: body, show });
  loader.refresh();
  return {
    destroy() {
      off();
      loader.destroy();
      fields.destroy();
    },
  };
}
