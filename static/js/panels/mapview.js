/**
 * One group of feature maps: its bar, its caption, its canvas. Touches only what differs from what it shows.
 *
 * The canvas carries data-group, data-out-start, data-count, data-columns, data-tile-width, data-tile-height and
 * data-gap; draw/maps.js says how to find a tile with them.
 *
 * @typedef {import("../model/grouping.js").Span} Span
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {import("../draw/maps.js").Layout} Layout
 * @typedef {import("../draw/maps.js").Range} Range
 * @typedef {ReturnType<typeof createMapView>} MapView
 */
import { h, setText } from "../core/dom.js";
import { COLOURS, groupTexture } from "../core/palette.js";
import { paintMaps } from "../draw/maps.js";
import { inputsOf } from "../model/format.js";

const GLYPH = 8; // CSS pixels of a caption's character, about

/**
 * The longest caption that fits; the rest is in the readout and the table. A map alone in its group goes by its own
 * number, from 0 as everywhere; groups count from 1 and always say that they are groups.
 * @param {Span} group
 * @param {number} width  CSS pixels
 * @param {number} [total]  of groups: the first is captioned as shortly as the last has to be
 */
export function captionOf(group, width, total = 1) {
  const alone = group.out_channels === 1;
  const [name, short] = alone
    ? [`map ${group.out_start}`, String(group.out_start)]
    : [`group ${group.index + 1}`, `g${group.index + 1}`];
  const more = alone ? `group ${group.index + 1}` : `${group.out_channels} channels`;
  const sees = `sees ${inputsOf(group)}`;
  const texts = [`${name} · ${more} · ${sees}`, `${name} · ${sees}`, name];
  const room = width / GLYPH - Math.max(0, String(total).length - String(group.index + 1).length);
  return texts.find((text) => text.length <= room) ?? short;
}

export function createMapView() {
  const bar = h("span", { class: "map-bar" });
  const caption = h("figcaption");
  const canvas = h("canvas", { role: "img" });
  const element = h("figure", { class: "map-group" }, bar, caption, canvas);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  /** @type {{group: Span, tiles: readonly Tile[], layout: Layout}|null} */
  let shown = null;
  let place = "";
  let greys = "";

  /**
   * @param {Span} group
   * @param {Layout} layout
   * @param {number} total
   */
  function label(group, layout, total) {
    setText(caption, captionOf(group, layout.width * layout.zoom, total));
    canvas.setAttribute("aria-label", captionOf(group, Infinity));
    bar.className = `map-bar texture-${groupTexture(group.index)}`;
    element.style.setProperty("--group", `var(--group-${(group.index % COLOURS) + 1})`);
  }

  /**
   * @param {Span} group
   * @param {Tile} tile
   * @param {Layout} layout
   */
  function resize(group, tile, { columns, width, height, gap, zoom }) {
    Object.assign(canvas, { width, height });
    Object.assign(canvas.dataset, {
      group: group.index, outStart: group.out_start, count: group.out_channels,
      columns, tileWidth: tile.width, tileHeight: tile.height, gap,
    });
    Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${height * zoom}px` });
    element.classList.toggle("seams", gap === 0);
    element.style.setProperty("--tile-width", `${tile.width * zoom}px`);
    element.style.setProperty("--tile-height", `${tile.height * zoom}px`);
  }

  return {
    element,
    canvas,
    get shown() {
      return /** @type {NonNullable<typeof shown>} */ (shown);
    },

    /**
     * @param {Span} group
     * @param {readonly Tile[]} tiles  its own, at least one
     * @param {Range|null} range  null: each tile its own
     * @param {Layout} layout
     * @param {number} total  of groups
     */
    update(group, tiles, range, layout, total) {
      const before = shown;
      const wasPlace = place;
      const wasGreys = greys;
      shown = { group, tiles, layout };
      place = [...Object.values(group), ...Object.values(layout), total].join();
      greys = String(range);
      if (place !== wasPlace) {
        resize(group, tiles[0], layout);
        label(group, layout, total);
      }
      const painted = place === wasPlace && greys === wasGreys && tiles.every((tile, i) => tile === before?.tiles[i]);
      if (!painted) paintMaps(context, tiles, layout, range);
    },
  };
}
