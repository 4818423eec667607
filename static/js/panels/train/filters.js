/** The first layer's filters of every arm as small pictures, and their weights as text. */
import { h, listeners } from "../../core/dom.js";
import { fillFilters, layoutFilters } from "../../draw/filters.js";
import { counted, float32Text, typeset } from "../../model/format.js";
import { sentenced } from "../../model/trainwords.js";
import { headOf, twinOf } from "../stack/twin.js";

const ZOOM = 9; // CSS pixels of a weight
const GAP = 2;
const DIGITS = 3;

/** @typedef {{arm: string, label: string, filters: import("../../draw/filters.js").Filters}} ArmFilters */

export function createFilters() {
  const list = h("div", { class: "filter-arms" });
  const table = h("table", { class: "filter-table" });
  const twin = twinOf("The filters’ weights as a table", table);
  const { on, end } = listeners();
  const element = h("div", { class: "filters" }, h("h3", {}, "First-layer filters"),
    h("p", { class: "convention filter-words" }), list, twin);
  const words = /** @type {HTMLElement} */ (element.querySelector(".filter-words"));
  /** @type {ArmFilters[]} */
  let shown = [];
  let painted = 0;
  const observer = new ResizeObserver(() => list.clientWidth !== painted && paint());
  observer.observe(list);

  function paint() {
    painted = list.clientWidth;
    if (!painted) return;
    const scale = devicePixelRatio;
    list.replaceChildren(...shown.map(({ arm, label, filters }) => {
      const layout = layoutFilters(filters, Math.floor(painted * scale), Math.round(ZOOM * scale), Math.round(GAP * scale));
      const name = `${sentenced(label)}: ${counted(filters.count, "filter")} of ${filters.kernel.join("\u202f×\u202f")}`;
      const canvas = h("canvas", { role: "img", "aria-label": `${name}; the table below has their weights`, width: layout.width, height: layout.height, "data-arm": arm });
      Object.assign(canvas.style, { width: `${layout.width / scale}px`, height: `${layout.height / scale}px` });
      const pixels = new Uint32Array(layout.width * layout.height);
      fillFilters(pixels, filters, layout);
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), layout.width, layout.height), 0, 0);
      return h("figure", { class: "filter-arm" }, h("figcaption", {}, h("i", { class: `series-mark ${arm}`, "aria-hidden": "true" }), name), canvas);
    }));
  }

  function fill() {
    if (!twin.open) return;
    table.replaceChildren(headOf(["Arm", "filter", "weights, row by row"]), h("tbody", {}, ...shown.flatMap(({ label, filters: { count, values } }) => {
      const taps = values.length / count;
      return Array.from({ length: count }, (_, c) => h("tr", {}, h("th", { scope: "row" }, sentenced(label)), h("td", {}, c),
        h("td", { class: "words" }, typeset(Array.from(values.subarray(c * taps, (c + 1) * taps), (value) => float32Text(Number(value.toPrecision(DIGITS)))).join(" ")))));
    })));
  }
  on(twin, "toggle", fill);

  return {
    element,
    /** @param {ArmFilters[]} arms */
    show(arms) {
      shown = arms;
      const colour = arms.some(({ filters }) => filters.channels === 3);
      words.textContent = colour
        ? "Each picture is one filter: red, green and blue weights as such; middle grey is zero. An arm’s filters share one range."
        : "Each picture is one filter: lighter is positive, darker negative, middle grey zero. An arm’s filters share one range.";
      paint();
      fill();
    },
    destroy() {
      observer.disconnect();
      end();
    },
  };
}
