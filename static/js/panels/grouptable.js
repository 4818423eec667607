/**
 * The groups in words: a sentence for one, a table for all. Many equal groups in a row become one line.
 *
 * @typedef {import("../model/counts.js").Layer} Layer
 * @typedef {import("../model/counts.js").Group} Group
 */
import { h, setText } from "../core/dom.js";
import { UNITS, fixed, inputsOf, number, si, span } from "../model/format.js";

const MOST_ROWS = 64;

/** @param {number[]} shape */
const shapeText = (shape) => shape.map(number).join(" × ");

/**
 * @param {Group} group
 * @param {Unit} unit
 */
export function groupSentence(group, unit) {
  const inputs = `sees ${inputsOf(group)}`;
  const outputs = `makes ${group.out_channels === 1 ? "output" : "outputs"} ${span(group.out_start, group.out_channels)}`;
  const work = `${si(group[unit])} ${UNITS[unit]}`;
  return (
    `Group ${number(group.index + 1)} ${inputs}, ${outputs}; ` +
    `filters ${shapeText(group.weight_shape)}; ${number(group.params)} params, ${work}`
  );
}

/**
 * Runs of equal groups, for a table that would be too long.
 * @param {readonly Group[]} groups
 * @returns {{first: Group, last: Group, count: number}[]}
 */
export function rowsOf(groups) {
  /** @type {{first: Group, last: Group, count: number}[]} */
  const rows = [];
  for (const group of groups) {
    const row = rows[rows.length - 1];
    const alike = row && String(row.last.weight_shape) === String(group.weight_shape);
    if (alike && groups.length > MOST_ROWS) {
      row.last = group;
      row.count += 1;
    } else {
      rows.push({ first: group, last: group, count: 1 });
    }
  }
  return rows;
}

/**
 * @typedef {{first: Group, last: Group, count: number}} Row
 * @typedef {{text: string, value?: number}} Cell
 * @typedef {{head: (unit: Unit) => string, cell: (row: Row, unit: Unit, layer: Layer) => Cell}} Column
 * @typedef {"macs"|"flops"} Unit
 */

/** @param {string} text @param {Row} row */
const each = (text, row) => (row.count > 1 ? `${text} each` : text);

/** @type {Column} */
const GROUP = {
  head: () => "Group",
  cell: ({ first, last, count }) => ({
    text: count > 1 ? `${number(first.index + 1)}–${number(last.index + 1)}` : number(first.index + 1),
  }),
};

/** Which channels each group sees and makes. @type {Column[]} */
export const CHANNELS = [
  GROUP,
  {
    head: () => "Input channels",
    cell: ({ first, last }) => ({ text: span(first.in_start, last.in_start + last.in_channels - first.in_start) }),
  },
  {
    head: () => "Output channels",
    cell: ({ first, last }) => ({ text: span(first.out_start, last.out_start + last.out_channels - first.out_start) }),
  },
  {
    head: () => "Filters (out × in × height × width)",
    cell: (row) => ({ text: each(shapeText(row.first.weight_shape), row) }),
  },
];

/** What each group costs. @type {Column[]} */
export const COSTS = [
  GROUP,
  {
    head: () => "Params",
    cell: (row) => ({ text: each(number(row.first.params), row), value: row.first.params }),
  },
  {
    head: (unit) => UNITS[unit],
    cell: (row, unit) => ({ text: each(number(row.first[unit]), row), value: row.first[unit] }),
  },
  {
    head: (unit) => `Share of the layer’s ${UNITS[unit]}`,
    cell: (row, unit, layer) => ({ text: `${fixed((100 * row.count * row.first[unit]) / layer[unit], 1)} %` }),
  },
];

/**
 * @param {string} label
 * @param {Column[]} columns
 */
export function groupTable(label, columns) {
  const heads = columns.map(() => h("th", { scope: "col" }));
  const body = h("tbody");
  const element = h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body),
  );
  let drawn = "";
  return {
    element,
    /**
     * @param {Layer} layer
     * @param {Unit} unit
     */
    show(layer, unit) {
      const rows = rowsOf(layer.groups).map((row) => columns.map(({ cell }) => cell(row, unit, layer)));
      const key = unit + JSON.stringify(rows);
      if (key === drawn) return;
      drawn = key;
      heads.forEach((head, i) => setText(head, columns[i].head(unit)));
      body.replaceChildren(...rows.map((row) => h("tr", {}, ...row.map(tableCell))));
    },
  };
}

/**
 * @param {Cell} cell
 * @param {number} index
 */
function tableCell({ text, value }, index) {
  return h(index === 0 ? "th" : "td", { scope: index === 0 ? "row" : null, "data-value": value }, text);
}
