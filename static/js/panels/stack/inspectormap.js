/**
 * One map, large: a marker on the value that is looked at, moved by arrow keys or by pointing, and the exact number.
 * The marker follows at once, whatever else is still on its way.
 *
 * @typedef {import("../../model/tiles.js").Tile} Tile
 * @typedef {import("../../draw/colours.js").ColourMap} ColourMap
 */
import { h, listeners, setText } from "../../core/dom.js";
import { colourTable, cssGradient } from "../../draw/colours.js";
import { paintMaps, rangeOf, signedRange } from "../../draw/maps.js";
import { float32Text, typeset } from "../../model/format.js";
import { measure } from "../mapstats.js";

const AROUND = 400; // CSS pixels of the window that other things need
const LEAST_ROOM = 224;
const LEAST_MARK = 3;
const FAR = 10; // values that an arrow key moves by with Shift
const MOVES = /** @type {Record<string, [number, number]>} */ ({
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
});

/**
 * Whole device pixels for a value, or a whole number of values for one pixel.
 * @param {number} side  of the map, in values
 * @param {number} room  CSS pixels
 */
function zoomFor(side, room) {
  const most = (room / side) * devicePixelRatio;
  return (most >= 1 ? Math.floor(most) : 1 / Math.ceil(1 / most)) / devicePixelRatio;
}

/** @param {Tile} tile */
const layoutOf = ({ width, height }) => ({ columns: 1, rows: 1, width, height, gap: 0, zoom: 1 });

/** @param {{choose: (row: number, column: number) => void, play: () => unknown}} events */
export function createInspectorMap({ choose, play }) {
  const canvas = h("canvas", { role: "img" });
  const marker = h("button", { type: "button", class: "inspector-marker", autofocus: true });
  const frame = h("div", { class: "inspector-frame" }, canvas, marker);
  const [low, high, bar] = [h("span"), h("span"), h("i")];
  const place = h("span", { class: "inspector-place" });
  const value = h("b", { class: "inspector-value" });
  const hint = h("p", { class: "inspector-words" });
  const element = h("div", { class: "inspector-map" }, frame,
    h("p", { class: "inspector-scale" }, low, bar, high),
    h("p", { class: "inspector-reading", "aria-live": "polite" }, place, value),
    hint);

  const own = listeners();
  /** @type {Tile|null} */
  let shown = null;
  let current = false; // whether that is the map looked at, not the one before
  let side = 0; // of the map at full resolution
  let zoom = 1; // CSS pixels of a value
  let [row, column] = [0, 0];
  /** @type {ColourMap} */
  let colours = "grey";

  function paint() {
    if (!shown) return;
    Object.assign(canvas, { width: shown.width, height: shown.height });
    const range = colours === "diverging" ? signedRange([shown]) : rangeOf(shown);
    paintMaps(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), [shown], layoutOf(shown), range, { colours: colourTable(colours) });
    bar.style.background = cssGradient(colours);
    setText(low, measure(range[0]));
    setText(high, measure(range[1]));
  }

  function fit() {
    const room = Math.min(element.clientWidth, Math.max(LEAST_ROOM, innerHeight - AROUND));
    if (room <= 0 || side === 0) return;
    zoom = zoomFor(side, room);
    frame.style.width = frame.style.height = `${side * zoom}px`;
    mark();
  }

  function mark() {
    const wide = Math.max(zoom, LEAST_MARK);
    const off = (zoom - wide) / 2;
    Object.assign(marker.style, { width: `${wide}px`, height: `${wide}px`, left: `${column * zoom + off}px`, top: `${row * zoom + off}px` });
  }

  /** Only float32 of the full resolution is exact. */
  const exact = () => (current && shown?.data instanceof Float32Array && shown.width === side ? shown.data[row * side + column] : null);

  function read() {
    const number = exact();
    const text = number === null ? "…" : typeset(float32Text(number));
    setText(place, `row ${row}, column ${column}`);
    setText(value, text);
    if (number === null) delete value.dataset.value;
    else value.dataset.value = float32Text(number);
    marker.setAttribute("aria-label", `Row ${row}, column ${column}: ${text}`);
  }

  /** @param {number} place */
  const within = (place) => Math.min(side - 1, Math.max(0, place));

  /** @param {PointerEvent} event */
  function pick(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
    choose(within(Math.floor(y * side)), within(Math.floor(x * side)));
  }

  own.on(canvas, "pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    event.preventDefault(); // the marker keeps the focus
    canvas.setPointerCapture(event.pointerId);
    pick(event);
    marker.focus({ preventScroll: true });
  });
  own.on(canvas, "pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) pick(event);
  });
  own.on(canvas, "click", (event) => {
    if (event.pointerType === "mouse") return; // chosen when the button went down
    pick(event);
    marker.focus({ preventScroll: true });
  });
  own.on(marker, "keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const by = event.shiftKey ? FAR : 1;
    choose(within(row + move[0] * by), within(column + move[1] * by));
  });
  own.on(marker, "click", play);
  own.on(window, "resize", fit);

  return {
    element,
    fit,

    /**
     * @param {number} toRow
     * @param {number} toColumn
     * @param {number} length  height and width of the map at full resolution
     */
    moveTo(toRow, toColumn, length) {
      [row, column] = [toRow, toColumn];
      if (length === side) mark(); // measuring at each key would lay the page out anew
      else {
        side = length;
        fit();
      }
      read();
    },

    /**
     * @param {Tile|null} tile  null: nothing is known yet, and the map before stays
     * @param {string} name
     */
    show(tile, name) {
      canvas.setAttribute("aria-label", name);
      current = tile !== null;
      if (tile) shown = tile;
      paint();
      read();
    },

    /** @param {string} text */
    say: (text) => setText(hint, text),

    /** @param {ColourMap} next */
    dye(next) {
      if (next === colours) return;
      colours = next;
      paint();
    },

    destroy: own.end,
  };
}
