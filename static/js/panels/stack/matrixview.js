/**
 * A matrix of channels by channels as a picture: bars in the colours of its groups along both edges, and a cursor that
 * the pointer and the arrow keys move in the order of display. Leaves out what a cell's colour means.
 *
 * @typedef {object} Matrix
 * @property {Uint32Array} cells  ABGR, as they are displayed
 * @property {number} rows
 * @property {number} columns
 * @property {ArrayLike<number>} rowGroups  the group at each place
 * @property {ArrayLike<number>} columnGroups
 * @property {number} [column]  place of a column to be marked
 * @typedef {{row: number, column: number}} Place  in the order of display
 */
import { h, listeners, setText } from "../../core/dom.js";
import { groupColour, groupTexture } from "../../core/palette.js";
import { token } from "../../core/theme.js";
import { enlargeHeat, layoutHeat } from "../../draw/heat.js";
import { textureCell } from "../../draw/texture.js";
import { cutsOf } from "../../model/reach.js";

const BAR = 8; // CSS pixels
const LEAST = 224; // CSS pixels that few channels are drawn up to
const MOST = 448;
const HINT = "Point at a cell, or focus the picture and use the arrow keys.";
const FAST = 8; // cells, with Shift

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.label
 * @param {string} options.across  what the columns are
 * @param {string} options.down
 * @param {(place: Place) => string} options.describe
 * @param {(place: Place) => void} [options.onPick]  a click, or Enter
 * @param {number} [options.most]  CSS pixels
 */
export function createMatrixView({ id, label, across, down, describe, onPick, most = MOST }) {
  const [top, left] = ["matrix-top", "matrix-left"].map((name) => h("canvas", { class: name, "aria-hidden": "true" }));
  const canvas = h("canvas", { class: "matrix-cells", "aria-hidden": "true" });
  const [rowLine, columnLine, marked] = ["matrix-row", "matrix-column", "matrix-marked"].map((name) => h("i", { class: name, hidden: true }));
  const stage = h("div", { class: "matrix-stage", id, tabindex: "0", role: "group", "aria-label": label }, canvas, marked, rowLine, columnLine);
  const readout = h("p", { class: "matrix-readout", "aria-live": "polite" }, HINT);
  const names = [h("span", { class: "matrix-across" }, `${across} →`), h("span", { class: "matrix-down" }, `↓ ${down}`)];
  const element = h("div", { class: "matrix-view" }, h("p", { class: "matrix-names" }, ...names),
    h("div", { class: "matrix-frame" }, top, left, stage), readout);
  const own = listeners();
  /** @type {Matrix|null} */
  let matrix = null;
  /** @type {Place|null} */
  let at = null;
  let width = 0; // CSS pixels of the stage
  let height = 0;
  let painted = 0; // CSS pixels there were
  const observer = new ResizeObserver(() => element.clientWidth !== painted && paint());
  observer.observe(element);

  function paint() {
    if (!matrix || !element.clientWidth) return;
    painted = element.clientWidth;
    const { cells, rows, columns, rowGroups, columnGroups } = matrix;
    const scale = devicePixelRatio;
    const room = Math.min(most, element.clientWidth - BAR);
    const layout = layoutHeat(rows, columns, Math.floor(room * scale));
    const more = Math.max(1, Math.floor((Math.min(LEAST, room) * scale) / layout.width));
    const shrunk = Math.min(1, (room * scale) / layout.width);
    [width, height] = [layout.width, layout.height].map((px) => (px * more * shrunk) / scale);
    const pixels = new Uint32Array(layout.width * layout.height);
    enlargeHeat(pixels, cells, layout, { rowCuts: cutsOf(rowGroups), columnCuts: cutsOf(columnGroups) });
    put(canvas, pixels, layout.width, layout.height);
    canvas.style.imageRendering = shrunk < 1 ? "auto" : "pixelated";
    Object.assign(stage.style, { width: `${width}px`, height: `${height}px` });
    paintBar(top, columnGroups, width, true);
    paintBar(left, rowGroups, height, false);
    place();
  }

  /** @param {HTMLCanvasElement} bar @param {ArrayLike<number>} groups @param {number} length @param {boolean} flat */
  function paintBar(bar, groups, length, flat) {
    const scale = devicePixelRatio;
    const [long, thick] = [Math.round(length * scale), Math.round((BAR - 2) * scale)];
    Object.assign(bar, flat ? { width: long, height: thick } : { width: thick, height: long });
    Object.assign(bar.style, flat ? { width: `${length}px`, height: `${BAR - 2}px` } : { width: `${BAR - 2}px`, height: `${length}px` });
    const ctx = /** @type {CanvasRenderingContext2D} */ (bar.getContext("2d"));
    const cuts = [0, ...cutsOf(groups), groups.length];
    for (let k = 0; k + 1 < cuts.length; k++) {
      const [from, to] = [cuts[k], cuts[k + 1]].map((cut) => Math.round((cut * long) / groups.length));
      const box = /** @type {[number, number, number, number]} */ (flat ? [from, 0, to - from, thick] : [0, from, thick, to - from]);
      ctx.fillStyle = groupColour(groups[cuts[k]]);
      ctx.fillRect(...box);
      const texture = groupTexture(groups[cuts[k]]);
      if (texture === "solid") continue;
      ctx.fillStyle = /** @type {CanvasPattern} */ (ctx.createPattern(textureCell(texture, token("--surface"), scale), "repeat"));
      ctx.fillRect(...box);
    }
  }

  function place() {
    if (!matrix) return;
    const { rows, columns, column = -1 } = matrix;
    const inside = at && at.row < rows && at.column < columns ? at : null;
    for (const line of [rowLine, columnLine]) line.hidden = !inside;
    marked.hidden = column < 0;
    if (column >= 0) spanColumn(marked, column, columns);
    if (!inside) return setText(readout, HINT);
    Object.assign(rowLine.style, { top: `${(inside.row * height) / rows}px`, height: `${height / rows}px` });
    spanColumn(columnLine, inside.column, columns);
    setText(readout, describe(inside));
  }

  /** @param {HTMLElement} line @param {number} column @param {number} columns */
  const spanColumn = (line, column, columns) =>
    Object.assign(line.style, { left: `${(column * width) / columns}px`, width: `${width / columns}px` });

  /** @param {Place|null} next */
  function pointAt(next) {
    if (next?.row === at?.row && next?.column === at?.column) return;
    at = next;
    place();
  }

  /** @param {PointerEvent} event @returns {Place|null} */
  function under({ offsetX, offsetY }) {
    if (!matrix) return null;
    const [row, column] = [Math.floor((offsetY / height) * matrix.rows), Math.floor((offsetX / width) * matrix.columns)];
    return row >= 0 && column >= 0 && row < matrix.rows && column < matrix.columns ? { row, column } : null;
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (!matrix) return;
    if (event.key === "Enter" && at) return onPick?.(at);
    const { rows, columns } = matrix;
    const by = event.shiftKey ? FAST : 1;
    const { row, column } = at ?? { row: 0, column: 0 };
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [row, column - by], ArrowRight: [row, column + by], ArrowUp: [row - by, column], ArrowDown: [row + by, column],
      Home: [row, 0], End: [row, columns - 1], PageUp: [0, column], PageDown: [rows - 1, column],
    });
    const to = moves[event.key];
    if (!to) return;
    event.preventDefault();
    const next = { row: Math.min(rows - 1, Math.max(0, to[0])), column: Math.min(columns - 1, Math.max(0, to[1])) };
    pointAt(at ? next : { row, column });
  }

  own.on(canvas, "pointermove", (event) => pointAt(under(event)));
  own.on(canvas, "pointerleave", () => pointAt(null));
  own.on(canvas, "click", (event) => {
    const found = under(event);
    if (found) onPick?.(found);
  });
  own.on(stage, "keydown", key);
  own.on(stage, "blur", () => pointAt(null));

  return {
    element,
    stage,
    /** @param {Matrix} next */
    show(next) {
      matrix = next;
      paint();
    },
    destroy() {
      observer.disconnect();
      own.end();
    },
  };
}

/** @param {HTMLCanvasElement} canvas @param {Uint32Array} pixels @param {number} width @param {number} height */
function put(canvas, pixels, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.putImageData(new ImageData(new Uint8ClampedArray(/** @type {ArrayBuffer} */ (pixels.buffer)), width, height), 0, 0);
}
