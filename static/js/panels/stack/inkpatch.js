/** The square picture with the dyed patch on it, as its negative: dragged, or moved by the arrow keys. */
import { getBytes } from "../../core/api.js";
import { h, listeners } from "../../core/dom.js";
import { createLatest } from "../../core/latest.js";

const SIDE = 224; // CSS pixels, as in stack.css
const FAST = 8; // pixels, with Shift

/** @param {import("../../model/stackstate.js").StackStore} store */
export function createInkPatch(store) {
  const picture = h("img", { alt: "The picture as the stem sees it", width: SIDE, height: SIDE, draggable: "false" });
  const patch = h("button", { type: "button", class: "ink-patch", id: "ink-patch" });
  const square = h("div", { class: "ink-picture" }, picture, patch);
  const element = h("div", { class: "ink-patch-view" }, square,
    h("p", { class: "ink-patch-words" }, "Drag the patch, or focus it and use the arrow keys, with Shift for larger steps. Inside it the picture is its own negative."));
  const own = listeners();
  const latest = createLatest({ most: 0 });
  let shown = ""; // which picture, and which is on its way
  let asked = "";
  /** Where on the patch it is held, in pixels of the square picture. @type {{row: number, column: number}|null} */
  let held = null;

  /** @param {string} path @param {AbortSignal} signal */
  async function load(path, signal) {
    let bytes;
    try {
      bytes = await getBytes(path, { signal }); // a failed <img> would show on the console
    } catch {
      if (asked === path) asked = ""; // the next change asks again
      return; // the maps' own request says why, and the old picture stays
    }
    if (signal.aborted) return;
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(new Blob([bytes]));
    shown = path;
  }

  function show() {
    const { dye, image, size, dye_row, dye_column, dye_size } = store.get();
    element.hidden = dye !== "patch";
    if (element.hidden) return;
    const path = `/api/images/${image}?size=${size}`;
    if (path !== asked) {
      asked = path;
      if (path === shown) latest.cancel();
      else latest.submit((signal) => load(path, signal));
    }
    const share = (/** @type {number} */ pixels) => `${(100 * pixels) / size}%`;
    Object.assign(patch.style, { top: share(dye_row), left: share(dye_column), width: share(dye_size), height: share(dye_size) });
    patch.setAttribute("aria-label", `Patch of ${dye_size} × ${dye_size} pixels at row ${dye_row}, column ${dye_column}`);
  }

  /** @param {number} row @param {number} column */
  function move(row, column) {
    const { size, dye_size } = store.get();
    const within = (/** @type {number} */ at) => Math.min(size - dye_size, Math.max(0, Math.round(at)));
    store.update({ dye_row: within(row), dye_column: within(column) });
  }

  /** @param {PointerEvent} event */
  function place({ clientX, clientY }) {
    const { left, top, width, height } = square.getBoundingClientRect();
    const { size } = store.get();
    return { row: ((clientY - top) / height) * size, column: ((clientX - left) / width) * size };
  }

  own.on(square, "pointerdown", (event) => {
    const { dye_row, dye_column, dye_size } = store.get();
    const at = place(event);
    const inside = event.target === patch;
    held = inside ? { row: at.row - dye_row, column: at.column - dye_column } : { row: dye_size / 2, column: dye_size / 2 };
    square.setPointerCapture(event.pointerId);
    if (!inside) move(at.row - held.row, at.column - held.column);
    patch.focus({ preventScroll: true });
    event.preventDefault();
  });
  own.on(square, "pointermove", (event) => {
    if (!held) return;
    const at = place(event);
    move(at.row - held.row, at.column - held.column);
  });
  for (const type of ["pointerup", "pointercancel"]) own.on(square, type, () => (held = null));
  own.on(patch, "keydown", (event) => {
    const by = event.shiftKey ? FAST : 1;
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [0, -by], ArrowRight: [0, by], ArrowUp: [-by, 0], ArrowDown: [by, 0] });
    const step = moves[event.key];
    if (!step) return;
    event.preventDefault();
    const { dye_row, dye_column } = store.get();
    move(dye_row + step[0], dye_column + step[1]);
  });
  const unsubscribe = store.subscribe(show);
  show();

  return {
    element,
    destroy() {
      unsubscribe();
      own.end();
      latest.cancel();
      URL.revokeObjectURL(picture.src);
    },
  };
}
