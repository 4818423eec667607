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
const NARROW = 560; // CSS pixels: below it names of rows stand above their lines

/** @type {Record<string, string>} */
const COLOURS = {
  standard: "--series-standard", uniform: "--series-uniform", logarithmic: "--series-logarithmic",
  depthwise: "--curve-4", custom: "--curve-5",
};

/** @type {import("../panels/chartview.js").Dress} */
export function dressedMeasure({ data, layout }, token, width, title) {
  const above = title ? EXPORT_TITLE : 0;
  const listed = layout.yaxis.type === "category" || Array.isArray(layout.yaxis.ticktext) && data.some(({ orientation }) => orientation === "h");
  const height = (layout.height ?? (listed ? LINES + ROW * data.length : HEIGHT)) + above;
  const margin = { ...layout.margin, t: 16 + above, r: Math.min(layout.margin?.r ?? 24, 0.3 * width), ...(width < NARROW ? { l: Math.min(layout.margin?.l ?? 72, 0.36 * width) } : {}) };
  return {
    data: data.map((trace) => dressedTrace(trace, token)),
    layout: {
      ...layout,
      ...themedFrame(token),
      title: title ? { text: layout.title.text, font: { size: FONT_SIZE + 2, color: token("--ink") }, x: 0, xref: "paper" } : undefined,
      height,
      margin,
      xaxis: themedAxis(layout.xaxis, token),
      yaxis: themedAxis(layout.yaxis, token),
      annotations: (layout.annotations ?? []).map((/** @type {any} */ note) => ({ ...note, font: { size: FONT_SIZE, color: token(colourOf(note.meta)) } })),
    },
  };
}

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
