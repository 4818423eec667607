/**
 * The products behind a value, one row for each input channel: patch, kernel, products, their sum and the total so far.
 * There may be thousands: only what is in view has a row, and rows are used again.
 *
 * @typedef {import("../../model/pixel.js").Pixel} Pixel
 * @typedef {object} Shown
 * @property {Pixel} pixel
 * @property {Float32Array} products
 * @property {readonly number[]} totals  after each input, from 0
 * @property {{patch: number, kernel: number, products: number}} most  ends of the three scales
 * @property {Uint8Array|null} outside
 */
import { h, listeners, setText } from "../../core/dom.js";
import { paintTaps, tapZoom } from "../../draw/taps.js";
import { decimal } from "../../model/pixel.js";

const TILE = 30; // CSS pixels, at most, of a patch
const LEAST = 20; // of a row: its text
const ROOM = 6;
const COLUMNS = ["input", "patch", "", "kernel", "", "product", "sum", "so far"];

function createRow() {
  const [patch, kernel, products] = ["patch", "kernel", "products"].map((name) => h("canvas", { "data-tile": name }));
  const [channel, sum, total] = ["channel", "sum", "total"].map((name) => h("span", { "data-name": name }));
  const element = h("div", { class: "inspector-row" }, channel, patch, h("span", { class: "sign" }, "×"), kernel,
    h("span", { class: "sign" }, "="), products, sum, total);
  return { element, patch, kernel, products, channel, sum, total };
}

export function createInspectorRows() {
  const space = h("div", { class: "inspector-space" });
  const head = h("div", { class: "inspector-row inspector-columns", "aria-hidden": "true" }, ...COLUMNS.map((name) => h("span", {}, name)));
  const list = h("div", { class: "inspector-rows", tabindex: "0", role: "group", "aria-label": "Products of each input channel" }, head, space);
  /** @type {ReturnType<typeof createRow>[]} */
  const pool = [];
  const own = listeners();
  /** @type {Shown|null} */
  let shown = null;
  let added = 0; // inputs that are in the sum
  let height = 1; // of a row

  function fill() {
    if (!shown) return;
    const first = Math.floor(list.scrollTop / height);
    const count = Math.min(shown.pixel.count - first, Math.ceil(list.clientHeight / height) + 1);
    while (pool.length < count) {
      const row = createRow();
      pool.push(row);
      space.append(row.element);
    }
    pool.forEach(({ element }, k) => (element.hidden = k >= count));
    for (let k = 0; k < count; k++) write(pool[k], shown, first + k);
  }

  /**
   * @param {ReturnType<typeof createRow>} row
   * @param {Shown} of
   * @param {number} input
   */
  function write(row, { pixel, products, totals, most, outside }, input) {
    const { rows, columns } = pixel;
    const zoom = tapZoom(rows, columns, TILE);
    paintTaps(row.patch, { values: pixel.patch, rows, columns, zoom, most: most.patch, outside }, [input]);
    paintTaps(row.kernel, { values: pixel.kernel, rows, columns, zoom, most: most.kernel }, [input]);
    paintTaps(row.products, { values: products, rows, columns, zoom, most: most.products, outside }, [input]);
    setText(row.channel, String(pixel.inputs[input]));
    setText(row.sum, decimal(pixel.sums[input]));
    setText(row.total, input < added ? decimal(totals[input + 1]) : "");
    row.element.dataset.input = String(input);
    row.element.style.transform = `translateY(${input * height}px)`;
    row.element.classList.toggle("waiting", input >= added);
    row.element.classList.toggle("latest", input === added - 1);
  }

  own.on(list, "scroll", fill);
  const observer = new ResizeObserver(fill);
  observer.observe(list);

  return {
    element: list,

    /** @param {Shown} next */
    show(next) {
      shown = next;
      const { rows, columns, count } = next.pixel;
      const zoom = tapZoom(rows, columns, TILE);
      height = Math.max(rows * zoom, LEAST) + ROOM;
      space.style.height = `${count * height}px`;
      list.style.setProperty("--row", `${height}px`);
      list.style.setProperty("--tile", `${columns * zoom}px`);
      fill();
    },

    /**
     * @param {number} count  inputs that are in the sum
     * @param {boolean} follow  keep the last of them in view
     */
    step(count, follow) {
      added = count;
      const [top, bottom] = [(count - 1) * height, count * height];
      const room = list.clientHeight - head.offsetHeight;
      if (follow && count > 0) {
        if (top < list.scrollTop) list.scrollTop = top;
        else if (bottom > list.scrollTop + room) list.scrollTop = bottom - room;
      } else if (follow) list.scrollTop = 0;
      fill();
    },

    destroy() {
      observer.disconnect();
      own.end();
    },
  };
}
