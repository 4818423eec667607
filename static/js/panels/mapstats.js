/**
 * What a map measures, in words: the readout under the maps, and the table that says the same without a picture.
 *
 * @typedef {import("../model/sections.js").Label} Label
 * @typedef {import("../model/sections.js").Section} Section
 * @typedef {import("../model/tiles.js").Tile} Tile
 */
import { h, listeners, setText } from "../core/dom.js";
import { energyOf, isDead, pooledStats } from "../model/tiles.js";

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

/** @param {{stats: Tile["stats"]}} measured */
const valuesOf = ({ stats }) => NAMES.map((name) => (name === "zeros" ? percent(stats.zeros) : measure(stats[name])));

/**
 * @param {Label} label  of its group
 * @param {number} channel
 */
export const titleOf = ({ name, sees }, channel) => `Map ${channel} · ${name} · sees ${sees}`;

/**
 * @param {Label} label
 * @param {Tile} tile
 */
export function sentenceOf(label, tile) {
  const values = valuesOf(tile);
  const dead = isDead(tile) ? ", dead: every value is zero" : "";
  return `${titleOf(label, tile.channel)}: ${NAMES.map((name, i) => `${name} ${values[i]}`).join(", ")}${dead}`;
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

/**
 * One row per map, under one row for its whole group where `groups` is asked for. Built when it is opened, kept up to
 * date while it is open.
 * @param {{energy?: boolean, groups?: boolean, label?: string}} [options]  energy: a column for the mean of the squares
 */
export function createStatsTable({ energy = false, groups = false, label = "Statistics of each map" } = {}) {
  const body = h("tbody");
  const columns = ["map", "group", "sees", ...NAMES, ...(energy ? ["energy"] : [])];
  const head = columns.map((name) => h("th", { scope: "col" }, name));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), body);
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": label }, table);
  const element = h("details", { class: "map-twin" }, h("summary", {}, `${label}, as a table`), scroller);
  const own = listeners();
  /** @type {readonly Section[]} */
  let shown = [];
  let queued = 0;

  function build() {
    queued = 0;
    body.replaceChildren(...shown.flatMap((section) => rowsOf(section, { energy, groups }).map(elementOf)));
  }

  function refresh() {
    if (element.open && !queued) queued = requestAnimationFrame(build);
  }
  own.on(element, "toggle", refresh);

  return {
    element,
    /** @param {readonly Section[]} sections */
    show(sections) {
      shown = sections;
      refresh();
    },
    destroy() {
      cancelAnimationFrame(queued);
      own.end();
    },
  };
}

/** @typedef {{kind: "map"|"group", name: string, cells: string[]}} StatsRow */

/**
 * What the table says of a section.
 * @param {Section} section
 * @param {{energy: boolean, groups: boolean}} options
 * @returns {StatsRow[]}
 */
export function rowsOf({ index, name, all = `all of ${name}`, sees, tiles }, { energy, groups }) {
  /** @param {StatsRow["kind"]} kind @param {string} title @param {{stats: Tile["stats"]}} measured */
  const rowOf = (kind, title, measured) => ({
    kind, name: title,
    cells: [String(index + 1), sees, ...valuesOf(measured), ...(energy ? [measure(energyOf(measured))] : [])],
  });
  const maps = tiles.map((tile) => rowOf("map", isDead(tile) ? `${tile.channel} (dead)` : String(tile.channel), tile));
  return groups ? [rowOf("group", all, { stats: pooledStats(tiles) }), ...maps] : maps;
}

/** @param {StatsRow} row */
const elementOf = ({ kind, name, cells }) =>
  h("tr", { class: kind === "group" && "map-summary" }, h("th", { scope: "row" }, name), ...cells.map((text) => h("td", {}, text)));
