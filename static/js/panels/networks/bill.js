/** The whole network's bill: original, variant, difference and ratio, a fully connected twin, and what is to be said. */
import { h, qs, setText } from "../../core/dom.js";
import { fixed, number, ratio, signed, si } from "../../model/format.js";

/**
 * @typedef {import("../../core/whatif.js").WhatIf} WhatIf
 * @typedef {import("../../core/whatif.js").Count} Count
 */

const LINES = /** @type {const} */ ([
  ["params", "Params"],
  ["macs", "MACs"],
  ["flops", "FLOPs"],
  ["activations", "Activations, elements"],
  ["weight_bytes", "Weights, bytes"],
  ["memory_access_bytes", "Memory access, bytes"],
  ["arithmetic_intensity", "Intensity, FLOPs per byte"],
]);
const FULLY = "fully_connected_weights";

const CONVENTION =
  "One image. Params count biases and the affine pairs of normalisation; MACs are those of convolutions and linear " +
  "layers, never of biases; a MAC is two FLOPs. Activations: elements of every layer’s output. Bytes at 4 an element. " +
  "Memory access moves every input, output and weight once, layer by layer: a lower bound. Flatten and Dropout move nothing.";

/** @param {string} name */
function line(name) {
  const cells = ["original", "variant", "delta", "ratio"].map((part) => h("td", { "data-name": `${name}-${part}` }));
  return { name, cells };
}

/**
 * @param {HTMLElement} cell
 * @param {string} text
 * @param {Count|null} value
 */
function write(cell, text, value) {
  setText(cell, text);
  cell.dataset.value = String(value);
}

/**
 * @param {HTMLElement} host
 * @param {{whatIf: import("../../core/whatif.js").WhatIfLoader}} deps
 */
export function createBill(host, { whatIf }) {
  const lines = LINES.map(([name, label]) => ({ ...line(name), label }));
  const head = ["Total", "original", "variant", "difference", "variant / original"].map((text) => h("th", { scope: "col" }, text));
  const rows = lines.map(({ label, cells }) => h("tr", {}, h("th", { scope: "row" }, label), ...cells));
  const table = h("table", { class: "bill-table" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
  const fully = h("p", { class: "fully" });
  const notes = h("div", { class: "notes" });
  const published = h("p", { class: "convention" });
  const body = qs(".panel-body", host);
  body.replaceChildren(
    h("div", { class: "bill" },
      h("div", { class: "bill-sums" },
        h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Totals" }, table),
        h("p", { class: "convention" }, CONVENTION)),
      h("div", { class: "bill-words" }, notes, fully, published)),
  );

  /** @param {WhatIf} data */
  function show({ original, variant, deltas, ratios, notes: said }) {
    for (const { name, cells } of lines) {
      const [was, is] = [original.totals[name], variant.totals[name]];
      const text = name === "arithmetic_intensity" ? (/** @type {Count} */ n) => fixed(Number(n), 2) : number;
      write(cells[0], text(was), was);
      write(cells[1], text(is), is);
      const delta = name === "arithmetic_intensity" ? Number(is) - Number(was) : deltas[name];
      const share = name === "arithmetic_intensity" ? Number(is) / Number(was) : ratios[name];
      write(cells[2], name === "arithmetic_intensity" ? fixedSigned(Number(delta)) : signed(delta), delta);
      write(cells[3], share === null || !Number.isFinite(share) ? "–" : ratio(share), share);
    }
    showFully(variant);
    notes.replaceChildren(...said.map((note) => h("p", {}, note)));
    setText(published, publishedText(original));
    published.hidden = !published.textContent;
  }

  /** @param {import("../../core/whatif.js").Analysis} variant */
  function showFully({ totals }) {
    const [full, macs] = [totals[FULLY], totals.macs];
    const times = Number(macs) ? ` ${number(Math.round(Number(full) / Number(macs)))} times the MACs of the variant` : "";
    const digits = h("span", { "data-name": "fully-connected", "data-value": full }, number(full));
    fully.replaceChildren(
      "CNN against ANN: fully connected layers between the same volumes would need ", digits,
      ` weights and as many MACs (${si(Number(full))});${times}.`,
    );
  }

  return { destroy: whatIf.subscribe({ host, element: table, show }) };
}

/** @param {number} n */
const fixedSigned = (n) => (n < 0 ? `−${fixed(-n, 2)}` : `${n > 0 ? "+" : ""}${fixed(n, 2)}`);

/** @param {import("../../core/whatif.js").Analysis} original */
function publishedText({ published, convention, totals }) {
  const parts = [];
  if (published) {
    const met = /** @type {const} */ ([["params", "params"], ["macs", "MACs"]])
      .filter(([key]) => published[key] !== null)
      .map(([key, name]) => `${publishedNumber(Number(published[key]), Number(published[`${key}_unit`]))} ${name}`);
    const rounded = [published.params_unit, published.macs_unit].some((unit) => Number(unit) > 1);
    parts.push(`Published: ${met.join(" and ")}${rounded ? ", as rounded by its source" : ""}; the original’s rows add up to it.`);
  } else if (totals) {
    parts.push("No published total by these rules.");
  }
  if (convention) parts.push(convention);
  return parts.join(" ");
}

/** @param {number} value @param {number} unit  what its last printed digit is worth */
const publishedNumber = (value, unit) => (unit === 1e6 ? `${number(value / unit)}\u202fM` : number(value));
