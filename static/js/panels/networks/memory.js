/** Training memory: what weights, gradients, optimizer and saved activations take, and the largest batch that fits. */
import { postJson } from "../../core/api.js";
import { h, listeners, qs, setText } from "../../core/dom.js";
import { createPanelLoader, subjectOf } from "../../core/whatif.js";
import { memory, number } from "../../model/format.js";
import { networkTable } from "../../model/networkstate.js";
import { bindFields } from "../fields.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {{batch: number, weight_bytes: number, gradient_bytes: number, optimizer_bytes: number, saved_activation_bytes: number,
 *   total_bytes: number, per_image_bytes: number, fixed_bytes: number, largest_batch: number, not_counted: string[],
 *   rows: {name: string, saved_bytes: number}[]}} Memory
 * @typedef {{budget_bytes: number, original: Memory, variant: Memory}} Answer
 */

const PARTS = /** @type {const} */ ([
  ["weight_bytes", "Weights"],
  ["gradient_bytes", "Gradients"],
  ["optimizer_bytes", "Optimizer state"],
  ["saved_activation_bytes", "Saved activations"],
]);
const SIDES = /** @type {const} */ (["original", "variant"]);

/** @param {string} side */
function sideView(side) {
  const cells = PARTS.map(([key]) => h("td", { "data-name": `${side}-${key}` }));
  const total = h("td", { "data-name": `${side}-total_bytes` });
  const batch = h("td", { class: "fits", "data-name": `${side}-largest_batch` });
  const bars = PARTS.map(([key]) => h("span", { class: `memory-bar ${key}` }));
  const bar = h("div", { class: "memory-line", "aria-hidden": "true" }, ...bars, h("span", { class: "memory-limit" }));
  return { cells, total, batch, bars, bar };
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors}} deps
 */
export function createMemory(host, { store, errors }) {
  const own = listeners();
  const fields = bindFields({ store, errors, table: networkTable }, ["batch", "dtype", "optimizer", "budget"]);
  const message = h("p", { class: "message", id: "memory-message", "aria-live": "polite" });
  const sentence = h("p", { class: "memory-sentence", "aria-live": "polite" });
  const views = { original: sideView("original"), variant: sideView("variant") };
  const head = h("tr", {}, h("td"), ...PARTS.map(([, label]) => h("th", { scope: "col" }, label)), h("th", { scope: "col" }, "Total"), h("th", { scope: "col" }, "Largest batch"));
  const rows = SIDES.map((side) => h("tr", {}, h("th", { scope: "row" }, side), ...views[side].cells, views[side].total, views[side].batch));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
  const bars = h("div", { class: "memory-bars" }, ...SIDES.flatMap((side) => [h("span", {}, side), views[side].bar]));
  const key = h("ul", { class: "memory-key", "aria-hidden": "true" }, ...PARTS.map(([part, label]) => h("li", {}, h("i", { class: `memory-bar ${part}` }), label)));
  const not = h("ul", { class: "convention-list" });
  const body = h("div", {}, sentence, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Training memory" }, table), bars, key);
  qs(".panel-body", host).replaceChildren(message, body, h("p", { class: "convention" },
    "One training step: every number in the chosen type. Saved activations are what autograd keeps for the backward pass, " +
    "each storage once, pooling indices and dropout masks included; they grow with the batch, the rest does not."), not);

  const loader = createPanelLoader({ store, errors }, "memory", (state) => JSON.stringify(bodyOf(state)), (state, signal) =>
    postJson("/api/networks/memory", bodyOf(state), { signal }),
  { last: true });

  /** @param {State} state */
  function bodyOf(state) {
    const { batch, dtype, optimizer, budget } = state;
    return { ...subjectOf(state), batch, dtype, optimizer, budget_gb: budget };
  }

  /** @param {HTMLElement} cell @param {number} bytes */
  function writeBytes(cell, bytes) {
    setText(cell, memory(bytes));
    cell.dataset.value = String(bytes);
    cell.title = `${number(bytes)} bytes`;
  }

  /** @param {Answer} answer */
  function show(answer) {
    const { batch } = answer.variant;
    const budget = answer.budget_bytes / 2 ** 30;
    const scale = Math.max(answer.budget_bytes, answer.original.total_bytes, answer.variant.total_bytes);
    for (const side of SIDES) {
      const [view, costs] = [views[side], answer[side]];
      PARTS.forEach(([part], i) => {
        writeBytes(view.cells[i], costs[part]);
        view.bars[i].style.setProperty("--share", String(costs[part] / scale));
      });
      writeBytes(view.total, costs.total_bytes);
      setText(view.batch, costs.largest_batch ? number(costs.largest_batch) : "none");
      view.batch.dataset.value = String(costs.largest_batch);
      view.bar.style.setProperty("--limit", String(answer.budget_bytes / scale));
    }
    const { variant } = answer;
    const fits = variant.total_bytes <= answer.budget_bytes;
    const most = variant.largest_batch ? `the largest batch that fits is ${number(variant.largest_batch)}` : "not even one image fits";
    setText(sentence, `A batch of ${number(batch)} needs ${memory(variant.total_bytes)}: it ${fits ? "fits" : "does not fit"} into ${Number(budget.toPrecision(6))} GiB; ${most}.`);
    not.replaceChildren(...variant.not_counted.map((text) => h("li", {}, text)));
  }

  const off = loader.subscribe({ host, element: body, show });
  own.on(host, "click", ({ target }) => {
    const size = target instanceof HTMLElement ? target.dataset.budget : undefined;
    if (size) store.update({ budget: Number(size) });
  });
  loader.refresh();
  return {
    destroy() {
      off();
      loader.destroy();
      fields.destroy();
      own.end();
    },
  };
}
