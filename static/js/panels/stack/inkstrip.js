/**
 * The strip of ink: a canvas with a cursor that the pointer and the arrow keys move, names at its left, counts at its
 * right. A click on the stem's row dyes that channel, one on a module's row goes there.
 *
 * @typedef {import("../../draw/inkstrip.js").Strip} Strip
 * @typedef {{row: number, channel: number}} Cell
 */
import { h, listeners, setText } from "../../core/dom.js";
import { groupColour } from "../../core/palette.js";
import { onTheme, token } from "../../core/theme.js";
import { cellOfStrip, edgeOf, layoutStrip, paintStrip } from "../../draw/inkstrip.js";

const STEP_MS = 250; // between two rows as the ink flows
const HINT = "Point at a cell, or focus the strip and use the arrow keys. A click, or Enter, on the stem’s row dyes that channel; on a module’s row it goes to that module.";
const still = matchMedia("(prefers-reduced-motion: reduce)");

const paletteNow = () => ({
  colour: groupColour, surface: token("--surface"), line: token("--line"), ink: token("--ink"), soft: token("--ink-soft"), accent: token("--accent"),
});

/**
 * @param {object} options
 * @param {(cell: Cell) => string} options.describe
 * @param {(cell: Cell) => void} options.onPick
 * @param {(flowing: boolean) => void} options.onFlow
 */
export function createInkStrip({ describe, onPick, onFlow }) {
  const canvas = h("canvas", { class: "ink-canvas", "aria-hidden": "true" });
  const cursor = h("i", { class: "ink-cursor", "aria-hidden": "true", hidden: true });
  const stage = h("div", { class: "ink-stage", id: "ink-strip", tabindex: "0", role: "group", "aria-label": "Ink, a row for the stem and each module, a column for each channel" }, canvas, cursor);
  const names = h("div", { class: "ink-names", "aria-hidden": "true" });
  const counts = h("div", { class: "ink-counts", "aria-hidden": "true" });
  const ticks = h("div", { class: "ink-ticks", "aria-hidden": "true" });
  const readout = h("p", { class: "ink-readout", "aria-live": "polite" }, HINT);
  const element = h("div", { class: "ink-strip" }, ticks, names, stage, counts, readout);
  const own = listeners();
  /** @type {{strip: Strip, names: string[], counts: string[], module: number}|null} */
  let picture = null;
  let layout = layoutStrip({ rows: 1, channels: 1, mixed: false, width: 1, scale: 1 });
  /** @type {Cell|null} */
  let at = null;
  let shown = 0; // rows
  let timer = 0;

  const observer = new ResizeObserver(() => paint());
  observer.observe(stage);

  function paint() {
    if (!picture || !stage.clientWidth) return;
    const { strip, module } = picture;
    const mixed = strip.mixing === "shuffle" || strip.mixing === "pointwise";
    const scale = devicePixelRatio;
    layout = layoutStrip({ rows: strip.rows.length, channels: strip.channels, mixed, width: stage.clientWidth, scale });
    if (canvas.width !== layout.width) canvas.width = layout.width;
    if (canvas.height !== layout.height) canvas.height = layout.height;
    canvas.style.height = `${layout.height / scale}px`;
    paintStrip(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), strip, layout, paletteNow(), shown);
    column(names, picture.names, (row) => row === module);
    column(counts, picture.counts.map((text, row) => (row < shown ? text : "")), () => false);
    showTicks(strip.channels);
    place();
  }

  /** A word beside each row. @param {HTMLElement} host @param {string[]} texts @param {(row: number) => boolean} marked */
  function column(host, texts, marked) {
    while (host.childElementCount > texts.length) host.lastElementChild?.remove();
    while (host.childElementCount < texts.length) host.append(h("span"));
    texts.forEach((text, row) => {
      const span = /** @type {HTMLElement} */ (host.children[row]);
      setText(span, text);
      span.style.top = `${layout.tops[row] / devicePixelRatio}px`;
      span.classList.toggle("here", marked(row));
    });
  }

  /** @param {number} channels */
  function showTicks(channels) {
    const room = Math.max(1, Math.floor(stage.clientWidth / 48));
    const step = 2 ** Math.ceil(Math.log2(Math.max(1, channels / room)));
    const places = Array.from({ length: Math.ceil(channels / step) }, (_, k) => k * step);
    ticks.replaceChildren(...places.map((c) => {
      const tick = h("span", {}, c);
      tick.style.left = `${(100 * (c + 0.5)) / channels}%`;
      return tick;
    }));
  }

  function place() {
    cursor.hidden = !at || !picture || at.row >= picture.strip.rows.length;
    if (!at || !picture || cursor.hidden) return setText(readout, HINT);
    const scale = devicePixelRatio;
    const [left, right] = [edgeOf(layout, at.channel), edgeOf(layout, at.channel + 1)];
    Object.assign(cursor.style, {
      left: `${left / scale}px`, width: `${Math.max(3, (right - left) / scale)}px`,
      top: `${layout.tops[at.row] / scale}px`, height: `${layout.cell / scale}px`,
    });
    setText(readout, describe(at));
  }

  /** @param {Cell|null} cell */
  function pointAt(cell) {
    if (cell?.row === at?.row && cell?.channel === at?.channel) return;
    at = cell;
    place();
  }

  /** @param {PointerEvent} event */
  const under = ({ offsetX, offsetY }) => cellOfStrip(layout, offsetX * devicePixelRatio, offsetY * devicePixelRatio);

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (!picture) return;
    const { rows, channels } = picture.strip;
    const { row, channel } = at ?? { row: 0, channel: Math.max(0, picture.strip.dyed) };
    if (event.key === "Enter" && at) return onPick(at);
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [row, channel - 1], ArrowRight: [row, channel + 1], ArrowUp: [row - 1, channel], ArrowDown: [row + 1, channel],
      Home: [row, 0], End: [row, channels - 1],
    });
    const to = moves[event.key];
    if (!to) return;
    event.preventDefault();
    pointAt(at ? { row: Math.min(rows.length - 1, Math.max(0, to[0])), channel: Math.min(channels - 1, Math.max(0, to[1])) } : { row, channel });
  }

  own.on(canvas, "pointermove", (event) => pointAt(under(event)));
  own.on(canvas, "pointerleave", () => pointAt(null));
  own.on(canvas, "click", (event) => {
    const cell = under(event);
    if (cell) onPick(cell);
  });
  own.on(stage, "keydown", key);
  own.on(stage, "blur", () => pointAt(null));
  const offTheme = onTheme(paint);

  function stop() {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    shown = picture?.strip.rows.length ?? 0;
    onFlow(false);
    paint();
  }

  return {
    element,

    /** @param {NonNullable<typeof picture>} next */
    show(next) {
      picture = next;
      shown = next.strip.rows.length;
      stop();
      paint();
    },

    /** The module on screen. @param {number} module */
    mark(module) {
      if (!picture || picture.module === module) return;
      picture = { ...picture, module };
      paint();
    },

    /** Row after row, or, where it flows already, all at once. */
    play() {
      if (timer || !picture) return stop();
      if (still.matches) return pointAt({ row: picture.strip.rows.length - 1, channel: Math.max(0, picture.strip.dyed) });
      shown = 1;
      timer = window.setInterval(() => {
        shown += 1;
        if (shown >= (picture?.strip.rows.length ?? 0)) stop();
        else paint();
      }, STEP_MS);
      onFlow(true);
      paint();
    },

    destroy() {
      clearInterval(timer);
      observer.disconnect();
      offTheme();
      own.end();
    },
  };
}
