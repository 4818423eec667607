/** Groups placed on devices: what each holds and computes, what crosses between them, what an uneven split can use. */
import { postJson } from "../../core/api.js";
import { h, qs } from "../../core/dom.js";
import { createPanelLoader, subjectOf } from "../../core/whatif.js";
import { fixed, memory, number, si } from "../../model/format.js";
import { networkTable } from "../../model/networkstate.js";
import { bindFields } from "../fields.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {{index: number, params: number, weight_bytes: number, activations: number, macs: number}} Device
 * @typedef {{devices: Device[], crossings: {layer: string, elements: number, why: string}[], crossing_elements: number, speedup: number|null,
 *   bounds: {layer: string, speedup: number}[], notes: string[]}} Placement
 */

const SIDES = /** @type {const} */ (["original", "variant"]);

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
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors,
 *   whatIf: import("../../core/whatif.js").WhatIfLoader}} deps
 */
export function createDevices(host, { store, errors, whatIf }) {
  const fields = bindFields({ store, errors, table: networkTable }, ["devices"], { devices: "device_count" });
  const message = h("p", { class: "message", id: "devices-message", "aria-live": "polite" });
  const body = h("div", { class: "devices-body" });
  qs(".panel-body", host).replaceChildren(message, body);

  /** The network as it is, and what is done to it. @param {State} state */
  const bodiesOf = (state) => {
    const variant = { ...subjectOf(state), devices: state.devices };
    return [{ ...variant, policy: null, hold: "channels", edits: {} }, variant];
  };

  const loader = createPanelLoader({ store, errors }, "devices", (state) => JSON.stringify(bodiesOf(state)), (state, signal) =>
    Promise.all(bodiesOf(state).map((each) => postJson("/api/networks/placement", each, { signal }))),
  { last: true });

  /** @param {Placement[]} placements  of the original and of the variant */
  function show(placements) {
    const [, variant] = placements;
    const held = tableOf("Devices", ["Device", "Params", "Weights", "MACs", "Activations"],
      placements.flatMap(({ devices }, i) => devices.map((device) => [
        `${SIDES[i]}, GPU ${device.index + 1}`,
        cell(`${SIDES[i]}-params`, device.params, number(device.params)),
        cell(`${SIDES[i]}-weights`, device.weight_bytes, memory(device.weight_bytes)),
        cell(`${SIDES[i]}-macs`, device.macs, si(device.macs)),
        cell(`${SIDES[i]}-activations`, device.activations, number(device.activations)),
      ])));
    body.replaceChildren(
      held,
      h("p", {}, "Layer after layer, ", placements.map(({ devices, speedup }, i) => `the ${SIDES[i]} can use ${speedup === null ? "none" : fixed(speedup, 2)} of ${devices.length} devices`).join("; "),
        ": the busiest one sets the pace."),
      h("h3", {}, "What crosses, forward, both directions"),
      crossingsOf(placements),
      ...(variant.bounds.length ? [h("h3", {}, "Uneven splits"), boundsOf(variant.bounds)] : []),
      h("div", { class: "notes" }, ...variant.notes.map((note) => h("p", {}, note))),
    );
  }

  /** @param {Placement[]} placements */
  function crossingsOf(placements) {
    const [original, variant] = placements.map(({ crossings }) => new Map(crossings.map((crossing) => [crossing.layer, crossing])));
    const order = new Map(whatIf.get()?.variant.rows.map(({ name, index }) => [name, index]));
    const layers = [...new Set([...original.keys(), ...variant.keys()])].sort((a, b) => Number(order.get(a)) - Number(order.get(b)));
    const rows = layers.map((layer) => {
      const [was, is] = [original.get(layer), variant.get(layer)];
      const elements = [was, is].map((crossing, i) => cell(`${SIDES[i]}-crossing`, crossing?.elements ?? 0, crossing ? number(crossing.elements) : "–"));
      return [layer, ...elements, h("td", { class: "why" }, (is ?? was)?.why)];
    });
    const sums = placements.map(({ crossing_elements: sum }, i) => cell(`${SIDES[i]}-crossings`, sum, number(sum)));
    return tableOf("Activations that cross", ["Before", "original, elements per image", "variant, elements per image", "Why"], [["in all", ...sums, h("td")], ...rows]);
  }

  /** @param {Placement["bounds"]} bounds */
  const boundsOf = (bounds) =>
    h("p", {}, "One device a group, a split can use at most sum / largest devices’ worth: ",
      [...byWorth(bounds)].map(([worth, layers]) => `${worth}× in ${layers.length > 3 ? `${layers.length} layers` : layers.join(", ")}`).join("; "), ".");

  /** @param {Placement["bounds"]} bounds */
  function byWorth(bounds) {
    /** @type {Map<string, string[]>} */
    const groups = new Map();
    for (const { layer, speedup } of bounds) groups.set(fixed(speedup, 3), [...(groups.get(fixed(speedup, 3)) ?? []), layer]);
    return groups;
  }

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
