/**
 * What a map measures, in words: the readout under the maps, and the table that says the same without a picture.
 *
 * @typedef {import("../model/grouping.js").Span} Span
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {{groups: readonly Span[], tiles: readonly Tile[]}} Picture
 */
import { h, listeners, setText } from "../core/dom.js";
import { inputsOf, span } from "../model/format.js";
import { isDead } from "../model/tiles.js";

const NAMES = /** @type {const} */ (["min", "max", "mean", "std", "zeros"]);
const MINUS = "\u2212";

/**
 * Three decimals, so that columns stay aligned; powers of ten where that says nothing.
 * @param {number} value
 */
export function measure(value) {
  const size = Math.abs(value);
  const text = size > 0 && (size < 0.001 || size >= 1e5) ? size.toExponential(1) : size.toFixed(3);
  return value < 0 ? MINUS + text : text;
}

/** @param {number} share */
const percent = (share) => `${(share * 100).toFixed(1)}\u202f%`;

/** @param {Tile} tile */
const valuesOf = ({ stats }) => NAMES.map((name) => (name === "zeros" ? percent(stats.zeros) : measure(stats[name])));

/**
 * @param {Picture} picture
 * @param {number} channel
 */
export function groupOf({ groups }, channel) {
  return /** @type {Span} */ (groups.findLast(({ out_start }) => out_start <= channel));
}

/**
 * @param {Picture} picture
 * @param {number} channel
 */
export function titleOf(picture, channel) {
  const group = groupOf(picture, channel);
  return `Map ${channel} · group ${group.index + 1} · sees ${inputsOf(group)}`;
}

/**
 * @param {Picture} picture
 * @param {number} channel
 */
export function sentenceOf(picture, channel) {
  const values = valuesOf(picture.tiles[channel]);
  const dead = isDead(picture.tiles[channel]) ? ", dead: every value is zero" : "";
  return `${titleOf(picture, channel)}: ${NAMES.map((name, i) => `${name} ${values[i]}`).join(", ")}${dead}`;
}

/**
 * One line of fixed columns: a title, five numbers.
 * @param {string} hint  shown while no map is pointed at
 */
export function createReadout(hint) {
  const title = h("span", { class: "readout-title" }, hint);
  const cells = NAMES.map((name) => h("span", { class: "readout-value" }, h("small", {}, name), " ", h("b")));
  const element = h("p", { class: "map-readout" }, title, ...cells);

  /**
   * @param {string} text
   * @param {string[]} values
   */
  function write(text, values) {
    setText(title, text);
    element.classList.toggle("empty", values.length === 0);
    cells.forEach((cell, i) => setText(/** @type {Element} */ (cell.lastElementChild), values[i] ?? ""));
  }
  write(hint, []);

  return {
    element,
    /** @param {Tile} tile @param {string} text */
    show: (tile, text) => write(isDead(tile) ? `${text} · dead: all zeros` : text, valuesOf(tile)),
    clear: () => write(hint, []),
  };
}

/** Built when it is opened, kept up to date while it is open. */
export function createStatsTable() {
  const body = h("tbody");
  const head = ["map", "group", "sees inputs", ...NAMES].map((name) => h("th", { scope: "col" }, name));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), body);
  const name = "Statistics of each map";
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": name }, table);
  const element = h("details", { class: "map-twin" }, h("summary", {}, "Statistics of each map, as a table"), scroller);
  const own = listeners();
  /** @type {Picture|null} */
  let picture = null;
  let queued = 0;

  function build() {
    queued = 0;
    if (!picture) return;
    const { groups, tiles } = picture;
    const rows = groups.flatMap((group) =>
      tiles.slice(group.out_start, group.out_start + group.out_channels).map((tile) => rowOf(group, tile)),
    );
    body.replaceChildren(...rows);
  }

  function refresh() {
    if (element.open && !queued) queued = requestAnimationFrame(build);
  }
  own.on(element, "toggle", refresh);

  return {
    element,
    /** @param {Picture} next */
    show(next) {
      picture = next;
      refresh();
    },
    destroy() {
      cancelAnimationFrame(queued);
      own.end();
    },
  };
}

/**
 * @param {Span} group
 * @param {Tile} tile
 */
function rowOf({ index, in_start, in_channels }, tile) {
  const cells = [String(index + 1), span(in_start, in_channels), ...valuesOf(tile)];
  const name = isDead(tile) ? `${tile.channel} (dead)` : String(tile.channel);
  return h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((text) => h("td", {}, text)));
}
