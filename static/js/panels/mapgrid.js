/**
 * The feature maps as they stand on the page: one figure per section, one canvas each, and a cursor (a real button)
 * that moves over them with the pointer or the arrow keys, in the order in which they are shown. Leaves out where tiles
 * come from. `maps-left` bubbles when the pointer has gone: whoever has the focus may take the selection back.
 *
 * @typedef {import("../model/sections.js").Section} Section
 * @typedef {import("../draw/maps.js").Range} Range
 * @typedef {object} Shown
 * @property {readonly Section[]} sections  at least one
 * @property {readonly (Range|readonly Range[]|null)[]} [ranges]  of each section, or of each of its tiles
 * @property {Range|null} [range]  of all, where there are no `ranges`; null: each tile its own
 * @property {number} [zoomSide]  CSS pixels of a tile's longer side; by their count and the window where it is left out
 * @typedef {Shown & import("../draw/maps.js").Look} Picture
 * @typedef {import("./mapview.js").MapView} View
 * @typedef {{left: number, top: number, width: number, height: number}} Box  CSS pixels within the grid
 */
import { h, listeners } from "../core/dom.js";
import { arrange, zoomOf, zoomTo } from "../draw/maps.js";
import { placesOf } from "../model/sections.js";
import { step } from "./mapsteps.js";
import { createMapView } from "./mapview.js";

const BAR = 8; // the group's bar and the space beside it, as in maps.css
const MANY = 16; // groups from here on stand closer
const NARROW = 320; // CSS pixels, as long as the grid has no width of its own

/**
 * @param {HTMLElement} host
 * @param {object} events
 * @param {(channel: number|null) => void} events.onPoint
 * @param {(channel: number) => void} events.onOpen
 * @param {(channel: number) => string} events.describe  a map in one sentence
 * @param {{id?: string, label?: string}} [name]  of the grid, where several stand on the page
 */
export function createMapGrid(host, { onPoint, onOpen, describe }, { id, label } = {}) {
  const cursor = h("button", { type: "button", class: "map-cursor", id: id && `${id}-cursor`, hidden: true });
  const grid = h("div", { class: "map-grid", id, role: label && "group", "aria-label": label }, cursor);
  host.append(grid);
  const own = listeners();
  /** Past `count` they are off the page, kept because canvases are slow to make. @type {View[]} */
  const views = [];
  let count = 0;
  /** @type {Picture|null} */
  let picture = null;
  let places = placesOf([]);
  let available = widthOf(grid) || NARROW;
  let at = 0; // the channel, and its place in the order of display
  let place = 0;
  /** @type {number|null} */
  let selected = null;

  const observer = new ResizeObserver(() => {
    const width = widthOf(grid);
    if (width === 0 || width === available) return;
    available = width;
    if (picture) show(picture);
  });
  observer.observe(grid);

  /** @param {Picture} next */
  function show(next) {
    picture = next;
    const { sections, range = null, ranges, zoomSide, ...look } = next;
    places = placesOf(sections);
    const [{ tiles: [tile] }] = sections;
    const side = Math.max(tile.width, tile.height);
    const zoom = zoomSide ? zoomTo(zoomSide, side) : zoomOf(places.channels.length, side);
    sections.forEach((section, i) => {
      const layout = arrange(section.tiles.length, section.tiles[0], zoom, available);
      viewAt(i).update(section, ranges ? ranges[i] : range, layout, sections.length, look);
    });
    views.slice(sections.length, count).forEach(({ element }) => element.remove());
    count = sections.length;
    grid.classList.toggle("dense", sections.length > MANY);
    cursor.hidden = false;
    mark();
    settle(places.placeOf(at) ?? Math.min(at, places.channels.length - 1));
  }

  /** @param {number} i */
  function viewAt(i) {
    views[i] ??= createMapView(label);
    if (!views[i].element.isConnected) cursor.before(views[i].element);
    return views[i];
  }

  function mark() {
    for (const { element, shown } of views) element.classList.toggle("selected", shown.section.index === selected);
  }

  /**
   * @param {number} where  a place
   * @returns {Box}
   */
  function boxOf(where) {
    const [index, k] = places.at(where);
    const { canvas, shown: { section: { tiles: [{ width, height }] }, layout } } = views[index];
    return {
      left: canvas.offsetLeft + (k % layout.columns) * (width + layout.gap) * layout.zoom,
      top: canvas.offsetTop + Math.floor(k / layout.columns) * (height + layout.gap) * layout.zoom,
      width: width * layout.zoom,
      height: height * layout.zoom,
    };
  }

  /** @param {number} where */
  function settle(where) {
    place = where;
    at = places.channels[where];
    cursor.setAttribute("aria-label", describe(at));
    if (!cursor.matches(".on, .mirrored, :focus")) return;
    const box = boxOf(where);
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) cursor.style[side] = `${box[side]}px`;
  }

  /** @param {number} where */
  function moveTo(where) {
    settle(where);
    onPoint(at);
  }

  /**
   * The place under the pointer; null over a gap, a caption or where no map is.
   * @param {PointerEvent|MouseEvent} event
   */
  function placeUnder(event) {
    const view = views.find(({ canvas }) => canvas === event.target);
    if (!view) return null;
    const { section: { tiles }, layout } = view.shown;
    const column = Math.floor(event.offsetX / layout.zoom / (tiles[0].width + layout.gap));
    const row = Math.floor(event.offsetY / layout.zoom / (tiles[0].height + layout.gap));
    const tile = column < layout.columns ? tiles[row * layout.columns + column] : undefined;
    return (tile && places.placeOf(tile.channel)) ?? null;
  }

  own.on(grid, "pointermove", (event) => {
    const under = placeUnder(event);
    if (under !== null && (under !== place || !cursor.classList.contains("on"))) {
      cursor.classList.add("on");
      moveTo(under);
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
    const under = event.target === cursor ? place : placeUnder(event);
    if (under === null) return;
    moveTo(under);
    onOpen(at);
  });
  own.on(cursor, "focus", () => moveTo(place));
  own.on(cursor, "blur", () => onPoint(null));
  own.on(cursor, "keydown", (event) => {
    const next = picture && step(event.key, place, places.channels.length, boxOf);
    if (next === null) return;
    event.preventDefault();
    moveTo(next);
    cursor.scrollIntoView({ block: "nearest" });
  });

  return {
    show,
    /** @param {number|null} index  of a section's group */
    select(index) {
      selected = index;
      mark();
    },

    /**
     * Moves the cursor from outside, without an event: grids can mirror one another.
     * @param {number|null} channel
     */
    point(channel) {
      const where = channel === null ? undefined : places.placeOf(channel);
      cursor.classList.toggle("mirrored", where !== undefined);
      if (where !== undefined) settle(where);
    },

    /** @param {number} channel */
    focus(channel) {
      const where = places.placeOf(channel);
      if (where !== undefined) [at, place] = [channel, where];
      cursor.focus();
    },

    destroy() {
      observer.disconnect();
      own.end();
      grid.remove();
    },
  };
}

/** @param {HTMLElement} grid */
const widthOf = (grid) => Math.max(0, grid.clientWidth - BAR);
