/**
 * The depth chart without a picture: one row per layer, one column per scheme.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {Record<string, any> & {layer: number, scheme: string, reason: string|null}} Row  of GET /api/depth
 */
import { h, listeners, setText } from "../core/dom.js";
import { UNITS, number, si } from "../model/format.js";

const SCHEMES = ["standard", "uniform", "logarithmic"];

/** @param {State} state */
const keyOf = ({ metric, cumulative }) => (cumulative ? `cumulative_${metric}` : metric);

/**
 * @param {readonly Row[]} rows
 * @param {number} layer
 */
const rowsOf = (rows, layer) =>
  SCHEMES.map((scheme) => /** @type {Row} */ (rows.find((row) => row.scheme === scheme && row.layer === layer)));

/**
 * @param {State} state
 * @param {readonly Row[]} rows
 * @param {number} layer
 */
export function sentenceOf(state, rows, layer) {
  const key = keyOf(state);
  const values = rowsOf(rows, layer).map((row) => `${row.scheme} ${row[key] === null ? "none" : si(row[key])}`);
  return `Layer ${layer}: ${values.join(", ")} ${UNITS[state.metric]}`;
}

/** Built when it is opened, kept up to date while it is open. */
export function createDepthTable() {
  const caption = h("caption");
  const body = h("tbody");
  const head = ["layer", "channels", "resolution", ...SCHEMES].map((name) => h("th", { scope: "col" }, name));
  const table = h("table", {}, caption, h("thead", {}, h("tr", {}, ...head)), body);
  const name = "Cost of each layer";
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": name }, table);
  const element = h("details", { class: "depth-twin" }, h("summary", {}, "The same numbers as a table"), scroller);
  const own = listeners();
  /** @type {{state: State, rows: readonly Row[]}|null} */
  let shown = null;

  function build() {
    if (!shown || !element.open) return;
    const { state, rows } = shown;
    setText(caption, `${UNITS[state.metric]}, ${state.cumulative ? "all layers up to this one" : "each layer"}`);
    body.replaceChildren(...Array.from({ length: state.depth }, (_, layer) => tableRow(state, rowsOf(rows, layer))));
  }
  own.on(element, "toggle", build);

  return {
    element,
    /** @param {State} state @param {readonly Row[]} rows */
    show(state, rows) {
      shown = { state, rows };
      build();
    },
    destroy: own.end,
  };
}

/**
 * @param {State} state
 * @param {readonly Row[]} rows  of one layer, by scheme
 */
function tableRow(state, rows) {
  const [{ layer, in_channels, out_channels, height, width }] = rows;
  const frame = [`${number(in_channels)} → ${number(out_channels)}`, `${height} × ${width}`];
  const values = rows.map((row) => {
    const value = row[keyOf(state)];
    return h("td", { title: row.reason, "data-value": value }, value === null ? "–" : number(value));
  });
  return h("tr", {}, h("th", { scope: "row" }, layer), ...frame.map((text) => h("td", {}, text)), ...values);
}
