/**
 * The server's figures of measurements in the page's own colours and type: a grouping has its series' colour, a roof or
 * a counted curve soft ink. Pure: figure, tokens and width in, figure out.
 *
 * @typedef {import("../core/plotly.js").Figure} Figure
 * @typedef {(name: string) => string} Tokens
 */
import { EXPORT_TITLE, FONT_SIZE, themedAxis, themedFrame } from "./chart.js";

const HEIGHT = 400;
const ROW = 30; // CSS pixels of one line of a list
const LINES = 100; // and of what stands around it
const NARROW = 560; // CSS pixels: below it names of rows break, and names of bars stand aslant
const MOST_TICKS = 6;
const ASLANT = { tickangle: -50, automargin: true };

/** @type {Record<string, string>} */
const COLOURS = {
  standard: "--series-standard", uniform: "--series-uniform", logarithmic: "--series-logarithmic",
  depthwise: "--curve-4", custom: "--curve-5",
};

/** @type {import("../panels/chartview.js").Dress} */
export function dressedMeasure({ data, layout }, token, width, title) {
  const above = title ? EXPORT_TITLE : 0;
  const listed = data.some(({ orientation }) => orientation === "h");
  const narrow = width < NARROW;
  const bars = data.some(({ type }) => type === "bar");
  const height = (layout.height ?? (listed ? LINES + ROW * data.length : HEIGHT)) + above;
  const margin = { ...layout.margin, t: 16 + above, r: Math.min(layout.margin?.r ?? 24, 0.3 * width), ...(narrow ? { l: Math.min(layout.margin?.l ?? 72, 0.36 * width) } : {}) };
  return {
    data: data.map((trace) => dressedTrace(narrow && bars ? { ...trace, x: trace.x.map(joined) } : trace, token)),
    layout: {
      ...layout,
      ...themedFrame(token),
      title: title ? { text: layout.title.text, font: { size: FONT_SIZE + 2, color: token("--ink") }, x: 0, xref: "paper" } : undefined,
      height,
      margin,
      xaxis: { ...themedAxis(narrow ? fewer(layout.xaxis) : layout.xaxis, token), ...(narrow && bars ? ASLANT : {}) },
      yaxis: { ...themedAxis(layout.yaxis, token), ...(narrow && listed ? { ticktext: layout.yaxis.ticktext.map(broken) } : {}) },
      annotations: (layout.annotations ?? []).map((/** @type {any} */ note) => ({ ...note, font: { size: FONT_SIZE, color: token(colourOf(note.meta)) } })),
    },
  };
}

/** A bar's name in one line. @param {string} name */
const joined = (name) => name.replaceAll("<br>", " ");

/**
 * An axis with as many of its ticks as a phone has room for.
 * @param {Record<string, any>} axis
 */
function fewer(axis) {
  const { tickvals = [], ticktext = [] } = axis;
  if (tickvals.length <= MOST_TICKS) return axis;
  /** @param {string} digits */
  const kept = (digits) => tickvals.map((/** @type {number} */ _, /** @type {number} */ i) => i)
    .filter((/** @type {number} */ i) => digits.includes(tickvals[i].toExponential()[0]));
  const places = ["125", "15", "1"].map(kept).find(({ length }) => length <= MOST_TICKS) ?? kept("1");
  return { ...axis, tickvals: places.map((/** @type {number} */ i) => tickvals[i]), ticktext: places.map((/** @type {number} */ i) => ticktext[i]) };
}

/** A row's name in two lines. @param {string} name */
const broken = (name) => name.replace(", ", ",<br>");

/** @param {{arm?: string}|undefined} meta */
const colourOf = (meta) => COLOURS[meta?.arm ?? ""] ?? "--ink-soft";

/**
 * @param {Record<string, any>} trace
 * @param {Tokens} token
 */
function dressedTrace(trace, token) {
  const colour = token(colourOf(trace.meta));
  const marker = trace.marker ? { ...trace.marker, color: Array.isArray(trace.marker.color) ? trace.marker.color : colour, line: { ...trace.marker.line, color: colour } } : undefined;
  return {
    ...trace,
    ...(trace.type === "scatter" ? { line: { ...trace.line, color: colour } } : {}),
    ...(marker ? { marker } : {}),
    ...(trace.error_x ? { error_x: { ...trace.error_x, color: colour } } : {}),
    ...(trace.error_y ? { error_y: { ...trace.error_y, color: colour } } : {}),
    textfont: { color: token("--ink-soft"), size: FONT_SIZE },
  };
}
