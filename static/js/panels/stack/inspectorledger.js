/**
 * What the products add up to, line by line, down to the value of the map. Lines not reached yet keep their places.
 *
 * @typedef {import("../../model/pixel.js").Pixel} Pixel
 * @typedef {import("../../model/pixel.js").Line} Line
 */
import { h, setText } from "../../core/dom.js";
import { counted, float32Text, number, typeset } from "../../model/format.js";
import { decimal } from "../../model/pixel.js";

export function createInspectorLedger() {
  const body = h("tbody");
  const element = h("table", { class: "inspector-ledger", "aria-label": "From the products to the value" }, body);
  /** The step at which each line is reached, and what it says then. @type {{from: number, row: HTMLElement, cell: HTMLElement, text: string}[]} */
  let shown = [];
  let count = 0;
  /** @type {readonly number[]} */
  let totals = [0];
  const progress = h("small");

  /**
   * @param {string} name
   * @param {string|HTMLElement} note
   * @param {number} from
   * @param {string} text
   * @param {string} key
   */
  function line(name, note, from, text, key) {
    const cell = h("td", { "data-name": key });
    const label = h("th", { scope: "row" }, `${name} `, note instanceof HTMLElement ? note : h("small", {}, note));
    return { from, cell, text, row: h("tr", {}, label, cell) };
  }

  return {
    element,

    /**
     * @param {Pixel} pixel
     * @param {readonly Line[]} lines
     * @param {readonly number[]} running
     */
    show(pixel, lines, running) {
      [count, totals] = [pixel.count, running];
      const last = count + lines.length;
      const value = line("= value of the map", "exact, float32", last, typeset(float32Text(pixel.output)), "output");
      shown = [
        line("products", progress, 0, "", "products"),
        ...lines.map(({ key, name, note, total }, k) => line(name, note, count + k + 1, decimal(total), key)),
        value,
      ];
      value.row.classList.add("result");
      value.cell.dataset.value = float32Text(pixel.output);
      body.replaceChildren(...shown.map(({ row }) => row));
    },

    /** @param {number} step  inputs first, then lines */
    reach(step) {
      const added = Math.min(step, count);
      setText(progress, `of ${added === count ? "all" : `${number(added)} of`} ${counted(count, "channel")}`);
      shown.forEach(({ from, row, cell, text }, k) => {
        row.classList.toggle("waiting", step < from);
        setText(cell, step < from ? "" : k === 0 ? decimal(totals[added]) : text);
      });
    },
  };
}
