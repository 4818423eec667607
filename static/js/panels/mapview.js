/**
 * One section of feature maps: its bar, its caption, its canvas. Touches only what differs from what it shows.
 *
 * The canvas carries data-group, data-out-start, data-count, data-columns, data-tile-width, data-tile-height, data-gap
 * and, where its channels do not follow one another, data-channels; draw/maps.js says how to find a tile with them.
 *
 * @typedef {import("../model/sections.js").Section} Section
 * @typedef {import("../draw/maps.js").Look} Look
 * @typedef {import("../draw/maps.js").Layout} Layout
 * @typedef {import("../draw/maps.js").Range} Range
 * @typedef {ReturnType<typeof createMapView>} MapView
 */
import { h, setText } from "../core/dom.js";
import { COLOURS, groupTexture } from "../core/palette.js";
import { paintMaps } from "../draw/maps.js";
import { captionOf, scatteredChannels } from "../model/sections.js";

/** @param {string} [prefix]  in front of the canvas's name, where several grids stand on the page */
export function createMapView(prefix) {
  const bar = h("span", { class: "map-bar" });
  const caption = h("figcaption");
  const canvas = h("canvas", { role: "img" });
  const element = h("figure", { class: "map-group" }, bar, caption, canvas);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  /** @type {{section: Section, layout: Layout, look: Look}|null} */
  let shown = null;
  let place = "";
  let scale = "";

  /**
   * @param {Section} section
   * @param {Layout} layout
   * @param {number} total
   */
  function label(section, layout, total) {
    const name = captionOf(section, Infinity);
    setText(caption, captionOf(section, layout.width * layout.zoom, total));
    canvas.setAttribute("aria-label", prefix ? `${prefix}, ${name}` : name);
    bar.className = `map-bar texture-${groupTexture(section.index)}`;
    element.style.setProperty("--group", `var(--group-${(section.index % COLOURS) + 1})`);
  }

  /**
   * @param {Section} section
   * @param {number[]|null} channels
   * @param {Layout} layout
   */
  function resize({ index, tiles: [tile, ...others] }, channels, { columns, width, height, gap, zoom }) {
    Object.assign(canvas, { width, height });
    Object.assign(canvas.dataset, {
      group: index, outStart: tile.channel, count: 1 + others.length,
      columns, tileWidth: tile.width, tileHeight: tile.height, gap,
    });
    if (channels) canvas.dataset.channels = channels.join();
    else delete canvas.dataset.channels;
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
     * @param {Section} section
     * @param {Range|readonly Range[]|null} range  of all tiles, or of each; null: each tile its own
     * @param {Layout} layout
     * @param {number} total  of sections
     * @param {Look} look
     */
    update(section, range, layout, total, look) {
      const before = shown;
      const [wasPlace, wasScale] = [place, scale];
      const { index, name, short, sees, tiles } = section;
      const channels = scatteredChannels(tiles);
      shown = { section, layout, look };
      place = [index, name, short, sees, channels ?? tiles[0].channel, tiles.length, ...Object.values(layout), total].join();
      scale = [range, look.signed, look.flagDead].join();
      if (place !== wasPlace) {
        resize(section, channels, layout);
        label(section, layout, total);
      }
      const painted = place === wasPlace && scale === wasScale && look.colours === before?.look.colours &&
        tiles.every((tile, i) => tile === before?.section.tiles[i]);
      if (!painted) paintMaps(context, tiles, layout, range, look);
    },
  };
}
