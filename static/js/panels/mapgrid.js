/**
 * The feature maps as they stand on the page: one figure per group, one canvas each, and a cursor (a real button)
 * that moves over them with the pointer or the arrow keys. Leaves out where tiles come from. `maps-left` bubbles when
 * the pointer has gone: whoever has the focus may take the selection back.
 *
 * @typedef {import("../model/grouping.js").Span} Span
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {{groups: readonly Span[], tiles: readonly Tile[], scaling: "map"|"group"|"shared"}} Picture
 * @typedef {import("./mapview.js").MapView} View
 * @typedef {{left: number, top: number, width: number, height: number}} Box  CSS pixels within the grid
 */
import { h, listeners } from "../core/dom.js";
import { arrange, sharedRange, zoomOf } from "../draw/maps.js";
import { step } from "./mapsteps.js";
import { createMapView } from "./mapview.js";

const BAR = 8; // the group's bar and the space beside it, as in maps.css
const MANY = 16; // groups from here on stand closer

/**
 * @param {HTMLElement} host
 * @param {object} events
 * @param {(channel: number|null) => void} events.onPoint
 * @param {(channel: number) => void} events.onOpen
 * @param {(channel: number) => string} events.describe  a map in one sentence
 */
export function createMapGrid(host, { onPoint, onOpen, describe }) {
  const cursor = h("button", { type: "button", class: "map-cursor", hidden: true });
  const grid = h("div", { class: "map-grid" }, cursor);
  host.append(grid);
  const own = listeners();
  /** Past `count` they are off the page, kept because canvases are slow to make. @type {View[]} */
  const views = [];
  let count = 0;
  /** @type {Picture|null} */
  let picture = null;
  let available = grid.clientWidth - BAR || 320;
  let at = 0;

  const observer = new ResizeObserver(() => {
    const width = grid.clientWidth - BAR;
    if (width <= 0 || width === available) return;
    available = width;
    if (picture) show(picture);
  });
  observer.observe(grid);

  /** @param {Picture} next */
  function show(next) {
    picture = next;
    const { groups, tiles, scaling } = next;
    const zoom = zoomOf(tiles.length, Math.max(tiles[0].width, tiles[0].height));
    const shared = scaling === "shared" ? sharedRange(tiles) : null;
    groups.forEach((group, i) => {
      const part = tiles.slice(group.out_start, group.out_start + group.out_channels);
      const range = scaling === "group" ? sharedRange(part) : shared;
      viewAt(i).update(group, part, range, arrange(part.length, part[0], zoom, available), groups.length);
    });
    views.slice(groups.length, count).forEach(({ element }) => element.remove());
    count = groups.length;
    grid.classList.toggle("dense", groups.length > MANY);
    cursor.hidden = false;
    place(Math.min(at, tiles.length - 1));
  }

  /** @param {number} i */
  function viewAt(i) {
    views[i] ??= createMapView();
    if (!views[i].element.isConnected) cursor.before(views[i].element);
    return views[i];
  }

  /**
   * @param {number} channel
   * @returns {Box}
   */
  function boxOf(channel) {
    const view = /** @type {View} */ (views.findLast(({ shown }, i) => i < count && shown.group.out_start <= channel));
    const { group, tiles, layout } = view.shown;
    const k = channel - group.out_start;
    const [width, height] = [tiles[0].width, tiles[0].height];
    return {
      left: view.canvas.offsetLeft + (k % layout.columns) * (width + layout.gap) * layout.zoom,
      top: view.canvas.offsetTop + Math.floor(k / layout.columns) * (height + layout.gap) * layout.zoom,
      width: width * layout.zoom,
      height: height * layout.zoom,
    };
  }

  /** @param {number} channel */
  function place(channel) {
    at = channel;
    cursor.setAttribute("aria-label", describe(channel));
    if (!cursor.matches(".on, :focus")) return;
    const box = boxOf(channel);
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) cursor.style[side] = `${box[side]}px`;
  }

  /** @param {number} channel */
  function moveTo(channel) {
    place(channel);
    onPoint(channel);
  }

  /**
   * The channel under the pointer; null over a gap, a caption or an empty place.
   * @param {PointerEvent|MouseEvent} event
   */
  function channelAt(event) {
    const view = views.find(({ canvas }) => canvas === event.target);
    if (!view) return null;
    const { group, tiles, layout } = view.shown;
    const column = Math.floor(event.offsetX / layout.zoom / (tiles[0].width + layout.gap));
    const row = Math.floor(event.offsetY / layout.zoom / (tiles[0].height + layout.gap));
    const k = row * layout.columns + column;
    return k >= 0 && k < tiles.length && column < layout.columns ? group.out_start + k : null;
  }

  own.on(grid, "pointermove", (event) => {
    const channel = channelAt(event);
    if (channel !== null && (channel !== at || !cursor.classList.contains("on"))) {
      cursor.classList.add("on");
      moveTo(channel);
    }
  });
  own.on(grid, "pointerleave", () => {
    if (!cursor.classList.contains("on")) return;
    cursor.classList.remove("on");
    if (grid.matches(":focus-within")) return;
    onPoint(null);
    grid.dispatchEvent(new CustomEvent("maps-left", { bubbles: true }));
  });
  own.on(grid, "click", (event) => {
    const channel = event.target === cursor ? at : channelAt(event);
    if (channel === null) return;
    moveTo(channel);
    onOpen(channel);
  });
  own.on(cursor, "focus", () => moveTo(at));
  own.on(cursor, "blur", () => onPoint(null));
  own.on(cursor, "keydown", (event) => {
    const next = picture && step(event.key, at, picture.tiles.length, boxOf);
    if (next === null) return;
    event.preventDefault();
    moveTo(next);
    cursor.scrollIntoView({ block: "nearest" });
  });

  return {
    show,
    /** @param {number|null} index */
    select: (index) => views.forEach(({ element }, i) => element.classList.toggle("selected", i === index)),
    /** @param {number} channel */
    focus(channel) {
      at = channel;
      cursor.focus();
    },
    destroy() {
      observer.disconnect();
      own.end();
      grid.remove();
    },
  };
}
