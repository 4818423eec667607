/**
 * The kernel of one map as a picture, every slice of it, and which channels it reads and which it cannot.
 *
 * @typedef {import("../../model/pixel.js").Pixel} Pixel
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 */
import { h, setText } from "../../core/dom.js";
import { groupColour } from "../../core/palette.js";
import { onTheme } from "../../core/theme.js";
import { paintTaps, tapZoom } from "../../draw/taps.js";
import { counted, number } from "../../model/format.js";
import { mostOf, sightOf } from "../../model/pixel.js";
import { dealt } from "../../model/reach.js";
import { groupOf, runsText } from "../../model/stacksections.js";
import { spansOf } from "../../model/stackstate.js";
import { measure } from "../mapstats.js";

const SIZES = /** @type {const} */ ([[16, 42], [64, 30], [256, 18], [Infinity, 8]]); // up to so many slices, CSS pixels of one
const GAP = 2;
const NAMED = 64; // channels named one by one: more are a count

/** The kernel. */
export function createInspectorKernel() {
  const canvas = h("canvas", { role: "img" });
  const text = h("p");
  const holder = h("div", { class: "inspector-kernel" }, canvas);
  const element = h("section", { class: "inspector-part" }, h("h3", {}, "Its kernel"), holder, text);
  /** @type {Pixel|null} */
  let shown = null;

  function paint() {
    if (!shown || holder.clientWidth === 0) return;
    const { kernel: values, count, rows, columns } = shown;
    const room = /** @type {readonly [number, number]} */ (SIZES.find(([most]) => count <= most))[1];
    const zoom = tapZoom(rows, columns, room);
    const fit = Math.max(1, Math.floor((holder.clientWidth + GAP) / (columns * zoom + GAP)));
    const across = Math.ceil(count / Math.ceil(count / fit));
    paintTaps(canvas, { values, rows, columns, zoom, most: mostOf(values) }, Array.from({ length: count }, (_, k) => k), { across, gap: GAP });
  }
  const observer = new ResizeObserver(paint);
  observer.observe(holder);

  return {
    element,

    /**
     * @param {Pixel} pixel
     * @param {number} group  from 0
     */
    show(pixel, group) {
      shown = pixel;
      const { count, rows, columns, kernel } = pixel;
      paint();
      const name = `${number(count)} × ${rows} × ${columns}`;
      canvas.setAttribute("aria-label", `Kernel, ${counted(count, "slice")} of ${rows} × ${columns} taps`);
      setText(text, `${name}, one slice for each input channel of group ${group + 1}, in their order; full colour at ±${measure(mostOf(kernel))}.`);
    },

    destroy: () => observer.disconnect(),
  };
}

/** What it reads. */
export function createInspectorSight() {
  const strip = h("canvas", { class: "inspector-strip", "aria-hidden": "true" });
  const list = h("dl", { class: "inspector-sight" });
  const element = h("section", { class: "inspector-part" }, h("h3", {}, "What it can see"), strip, list);
  let stem = h("dd");
  /** @type {{seen: readonly number[], total: number, group: number}|null} */
  let drawn = null;
  const offTheme = onTheme(draw);

  /** @param {string} name @param {HTMLElement|string} text */
  const entry = (name, text) => [h("dt", {}, name), text instanceof HTMLElement ? text : h("dd", {}, text)];

  /** @param {readonly number[]} channels @param {string} none */
  const named = (channels, none) => (channels.length ? `${runsText(channels)} (${number(channels.length)})` : none);

  return {
    element,

    /**
     * @param {State} state
     * @param {"a"|"b"} side
     */
    show(state, side) {
      const { seen, hidden } = sightOf(state, side);
      const before = state.module === 1 ? "the stem" : `module ${state.module - 1}`;
      stem = h("dd", { "data-name": "stem" }, "…");
      list.replaceChildren(
        ...entry("Reads", named(seen, "none")),
        ...entry("Cannot see", named(hidden, "none: it sees all")),
        ...(state.module > 1 ? mixedEntry(state, side, seen, before) : []),
        ...entry("From the stem", stem),
      );
      drawn = { seen, total: state.in_channels, group: groupOf(state, side, state.module, state.channel) };
      draw();
    },

    /** @param {number} count @param {number} total */
    reach: (count, total) => setText(stem, `${number(count)} of ${counted(total, "channel")} can reach this value`),

    destroy: offTheme,
  };

  /**
   * @param {State} state
   * @param {"a"|"b"} side
   * @param {readonly number[]} seen
   * @param {string} before
   */
  function mixedEntry(state, side, seen, before) {
    if (state.mixing === "pointwise") return entry(`Of ${before}`, "all channels: the 1 × 1 convolution mixes them first");
    if (state.mixing !== "shuffle") return [];
    const order = dealt(spansOf(state, side));
    const origins = seen.map((channel) => order[channel]).sort((a, b) => a - b);
    const text = runsText(origins);
    return entry(`Of ${before}`, origins.length <= NAMED ? `${text}, before the shuffle` : `${counted(origins.length, "channel")}, before the shuffle`);
  }

  /** All channels in a line, those that are read in the colour of the group. */
  function draw() {
    if (!drawn) return;
    const { seen, total, group } = drawn;
    Object.assign(strip, { width: total, height: 1 });
    const context = /** @type {CanvasRenderingContext2D} */ (strip.getContext("2d"));
    context.fillStyle = groupColour(group);
    for (const channel of seen) context.fillRect(channel, 0, 1, 1);
  }
}
