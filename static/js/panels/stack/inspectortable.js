/**
 * The sum without a picture: every number of it, as exact as it travels. Built when it is opened, kept up to date while
 * it is open.
 *
 * @typedef {import("../../model/pixel.js").Pixel} Pixel
 * @typedef {import("../../model/pixel.js").Line} Line
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 */
import { h, listeners } from "../../core/dom.js";
import { float32Text, typeset } from "../../model/format.js";
import { linesOf, runningTotals } from "../../model/pixel.js";

const COLUMNS = ["input channel", "sum of its products", "total so far", "patch, row by row", "kernel, row by row"];

/** @param {Float32Array} values @param {number} tile @param {number} taps */
const numbers = (values, tile, taps) =>
  Array.from(values.subarray(tile * taps, (tile + 1) * taps), (value) => typeset(float32Text(value))).join("  ");

/** @param {number|null} value */
const text = (value) => (value === null ? "" : typeset(String(value)));

export function createInspectorTable() {
  const body = h("tbody");
  const foot = h("tfoot");
  const head = h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name))));
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": "The sum in numbers" }, h("table", {}, head, body, foot));
  const element = h("details", { class: "map-twin" }, h("summary", {}, "The sum in numbers, as a table"), scroller);
  const own = listeners();
  /** @type {{pixel: Pixel, state: State}|null} */
  let shown = null;
  let queued = 0;

  function build() {
    queued = 0;
    if (!shown) return;
    const { pixel, state } = shown;
    const totals = runningTotals(pixel.sums);
    const taps = pixel.rows * pixel.columns;
    body.replaceChildren(...pixel.inputs.map((channel, k) => h("tr", {},
      h("th", { scope: "row" }, channel), h("td", {}, text(pixel.sums[k])), h("td", {}, text(totals[k + 1])),
      h("td", {}, numbers(pixel.patch, k, taps)), h("td", {}, numbers(pixel.kernel, k, taps)))));
    foot.replaceChildren(
      ...linesOf(pixel, state, text).map(({ name, note, total }) => row(name, note, text(total))),
      row("value of the map", "float32", typeset(float32Text(pixel.output))),
    );
  }

  /** @param {string} name @param {string} note @param {string} total */
  const row = (name, note, total) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, note), h("td", {}, total), h("td", { colspan: 2 }));

  const refresh = () => {
    if (element.open && !queued) queued = requestAnimationFrame(build);
  };
  own.on(element, "toggle", refresh);

  return {
    element,
    /** @param {Pixel} pixel @param {State} state */
    show(pixel, state) {
      shown = { pixel, state };
      refresh();
    },
    destroy() {
      cancelAnimationFrame(queued);
      own.end();
    },
  };
}
