/**
 * The server's figures of networks in the page's own colours and type. Pure: figure, tokens and width in, figure out.
 *
 * @typedef {import("../core/plotly.js").Figure} Figure
 * @typedef {(name: string) => string} Tokens
 */
import { EXPORT_TITLE, FONT_SIZE, themedAxis, themedFrame } from "./chart.js";

const HEIGHT = 400;
const LEFT = 72;
const TOP = 16;
const BOTTOM = 52;
const RIGHT = 24;
const MOST_MARGIN = 0.36; // of the width: names that need more go into a legend below
const LEGEND_LINE = 22; // CSS pixels
const CURVES = 8;
const MARKERS = 24; // on one line: more would cover each other, and take longer to draw than the line
const PANEL = 220; // CSS pixels that a panel beside others needs
const STACKED = 260; // and its height where they stand below each other
const PANEL_SHARE = 0.72; // of that, the rest is for its axis' name

/**
 * @param {Figure} figure
 * @param {Tokens} token
 * @param {number} width  CSS pixels there are
 * @param {boolean} title  for a file that has to speak for itself; on the page the heading is the title
 * @returns {Figure}
 */
export function dressed({ data, layout }, token, width, title) {
  const named = !layout.showlegend && data.length > 0 && data.every((trace) => trace.text);
  const right = layout.margin?.r ?? RIGHT;
  const ends = named && right <= MOST_MARGIN * width;
  const legend = !ends && data.length > 1 && data.every((trace) => trace.type === "scatter");
  const below = legend ? LEGEND_LINE * (data.length + 1) : 0;
  const above = title ? EXPORT_TITLE : 0;
  const axes = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  const panels = axes.length / 2;
  const stacked = panels > 1 && width < PANEL * panels;
  return {
    data: data.map((trace, index) => dressedTrace(trace, index, token)),
    layout: {
      ...layout,
      ...themedFrame(token),
      title: title ? { text: layout.title.text, font: { size: FONT_SIZE + 2, color: token("--ink") }, x: 0, xref: "paper" } : undefined,
      height: (stacked ? panels * STACKED : HEIGHT) + below + above,
      margin: { l: LEFT, r: ends ? right : RIGHT, t: TOP + above, b: BOTTOM + below, autoexpand: false },
      annotations: ends ? data.map((trace, index) => endLabel(trace, index, layout.yaxis.type === "log", layout.xaxis.type === "log", token)) : [],
      showlegend: legend,
      legend: { orientation: "v", x: 0, y: -0.18, yanchor: "top", yref: "paper" },
      ...Object.fromEntries(axes.map((key) => [key, { ...themedAxis(layout[key], token), ...(stacked ? domainOf(key, panels) : {}) }])),
      ...(ends ? { xaxis: { ...themedAxis(layout.xaxis, token), range: rangeOf(data, layout.xaxis.type === "log") } } : {}),
    },
  };
}

/**
 * The place of an axis where panels stand below each other.
 * @param {string} key  xaxis, yaxis2 ...
 * @param {number} panels
 */
function domainOf(key, panels) {
  if (key.startsWith("x")) return { domain: [0, 1] };
  const above = Number(key.slice("yaxis".length) || 1) - 1;
  return { domain: [1 - (above + PANEL_SHARE) / panels, 1 - above / panels] };
}

/**
 * From the first place to the last: names beyond it have the margin to themselves.
 * @param {Record<string, any>[]} data
 * @param {boolean} log
 */
function rangeOf(data, log) {
  const places = data.flatMap(({ x }) => x).map((x) => (log ? Math.log10(x) : x));
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const room = 0.03 * (high - low || 1);
  return [low - room, high + room];
}

/**
 * A line's name at its end: a mark of the chart's own, since Plotly thins a line's texts with its markers.
 * @param {Record<string, any>} trace
 * @param {number} index
 * @param {boolean} logY
 * @param {boolean} logX
 * @param {Tokens} token
 */
function endLabel(trace, index, logY, logX, token) {
  const end = trace.text.length - 1;
  const [x, y] = [trace.x[end], trace.y[end]];
  const yanchor = { "top right": "bottom", "bottom right": "top" }[/** @type {string} */ (trace.textposition)] ?? "middle";
  return {
    x: logX ? Math.log10(x) : x, y: logY ? Math.log10(y) : y, text: trace.text[end], yanchor,
    xanchor: "left", xshift: 10, showarrow: false, font: { color: token(`--curve-${(index % CURVES) + 1}`) },
  };
}

/**
 * @param {Record<string, any>} trace
 * @param {number} index
 * @param {Tokens} token
 */
function dressedTrace(trace, index, token) {
  if (trace.type === "bar") {
    const colours = trace.x.map((/** @type {unknown} */ _, /** @type {number} */ i) => token(`--group-${(i % CURVES) + 1}`));
    return { ...trace, marker: { ...trace.marker, color: colours } };
  }
  const colour = token(`--curve-${(index % CURVES) + 1}`);
  const { text, ...bare } = trace;
  return {
    ...bare,
    mode: trace.mode.replace("+text", ""),
    line: { ...trace.line, color: colour },
    marker: { ...trace.marker, color: colour, maxdisplayed: MARKERS },
  };
}
