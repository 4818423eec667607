/** What of the picture can reach a value: its receptive field as a rectangle on the square that the stack sees. */
import { getBytes } from "../../core/api.js";
import { h, setText } from "../../core/dom.js";
import { createLatest } from "../../core/latest.js";
import { fieldSentence } from "../../model/pixel.js";

const SIDE = 224; // CSS pixels

/** @typedef {import("../../model/stackstate.js").FrozenStackState} State */

export function createInspectorField() {
  const canvas = h("canvas", { role: "img", "aria-label": "What the network sees of the picture" });
  const mark = h("div", { class: "inspector-field-mark", hidden: true });
  const frame = h("div", { class: "inspector-field" }, canvas, mark);
  const text = h("p");
  const element = h("section", { class: "inspector-part" }, h("h3", {}, "Receptive field"), frame, text);
  const latest = createLatest({ most: 0 });
  let shown = "";

  /** @param {State} state */
  const pathOf = ({ image, size }) => `/api/images/${image}?size=${Math.min(size, Math.ceil(SIDE * devicePixelRatio))}`;

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async function load(path, signal) {
    let bytes;
    try {
      bytes = await getBytes(path, { signal });
    } catch {
      return; // the map's own request says why, and the old picture stays
    }
    if (signal.aborted) return;
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext("2d")?.drawImage(picture, 0, 0);
    picture.close();
    shown = path;
  }

  return {
    element,

    /** @param {State} state */
    show(state) {
      const side = state.size > SIDE ? SIDE : state.size * Math.floor(SIDE / state.size);
      frame.style.width = frame.style.height = `${side}px`;
      const path = pathOf(state);
      if (path !== shown) latest.submit((signal) => load(path, signal));
    },

    /**
     * @param {readonly [number, number, number, number]} field  top, left, bottom, right, half open
     * @param {State} state
     */
    place(field, state) {
      const [top, left, bottom, right] = field;
      const share = (/** @type {number} */ n) => `${(100 * n) / state.size}%`;
      Object.assign(mark.style, { top: share(top), left: share(left), height: share(bottom - top), width: share(right - left) });
      mark.hidden = false;
      setText(text, fieldSentence(field, state));
    },

    destroy: () => latest.cancel(),
  };
}
