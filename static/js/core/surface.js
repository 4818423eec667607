/** A canvas at the screen's own resolution, drawn in CSS pixels, with an imprint of its last picture that fades. */
import { h } from "./dom.js";

const FADE_MS = 120;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {string} name  class of the canvas */
export function createSurface(name) {
  const canvas = h("canvas", { class: name });
  const ghost = h("canvas", { class: "ghost", "aria-hidden": "true" });
  const element = h("div", { class: "surface" }, ghost, canvas);
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ghostCtx = /** @type {CanvasRenderingContext2D} */ (ghost.getContext("2d"));
  return {
    element,
    canvas,
    ctx,

    /**
     * In device pixels; drawing goes on in units of `scale`.
     * @param {number} width
     * @param {number} height
     * @param {number} [scale]
     */
    resize(width, height, scale = 1) {
      for (const each of [canvas, ghost]) {
        if (each.width !== width) each.width = width;
        if (each.height !== height) each.height = height;
      }
      ctx.setTransform(scale, 0, 0, scale, 0, 0);
    },

    /** What is cut away stays under the new picture for a moment; the new picture is complete at once. */
    fade() {
      if (still.matches) return;
      ghostCtx.clearRect(0, 0, ghost.width, ghost.height);
      ghostCtx.drawImage(canvas, 0, 0);
      ghost.animate([{ opacity: 0.7 }, { opacity: 0 }], { duration: FADE_MS, fill: "forwards" });
    },
  };
}
