/**
 * A depth figure of the server in the page's own colours and type. Pure: figure and tokens in, figure out.
 *
 * @typedef {import("../core/plotly.js").Figure} Figure
 * @typedef {(name: string) => string} Tokens
 */

const HEIGHT = 360;
const MARGIN = { l: 72, r: 96, t: 16, b: 48 };
export const FONT_SIZE = 14;
export const EXPORT_TITLE = 32; // CSS pixels; on the page the panel's heading is the title
const TICK = 26; // CSS pixels a layer's number needs

export const EXPORT_HEIGHT = HEIGHT + EXPORT_TITLE;

/**
 * @param {Figure} figure
 * @param {Tokens} token
 * @param {number} width  CSS pixels there are
 * @returns {Figure}
 */
export function themed({ data, layout }, token, width) {
  const most = Math.max(1, Math.floor((width - MARGIN.l - MARGIN.r) / TICK));
  const dtick = Math.max(layout.xaxis.dtick, Math.ceil(data[0].x.length / most));
  return {
    data: data.map((trace) => themedTrace(trace, token(`--series-${trace.meta.scheme}`))),
    layout: {
      ...layout,
      ...themedFrame(token),
      title: undefined,
      height: HEIGHT,
      margin: MARGIN,
      xaxis: { ...themedAxis(layout.xaxis, token), dtick, showgrid: false, unifiedhovertitle: { text: "layer %{x}" } },
      yaxis: { ...themedAxis(layout.yaxis, token), showspikes: false },
    },
  };
}

/**
 * The same with its title, for a file that has to speak for itself.
 * @param {Figure} figure
 * @param {Tokens} token
 * @param {number} width
 * @returns {Figure}
 */
export function exported(figure, token, width) {
  const { data, layout } = themed(figure, token, width);
  const title = { text: figure.layout.title.text, font: { size: FONT_SIZE + 2, color: token("--ink") }, x: 0, xref: "paper" };
  return { data, layout: { ...layout, title, height: EXPORT_HEIGHT, margin: { ...MARGIN, t: MARGIN.t + EXPORT_TITLE } } };
}

/**
 * What surrounds any chart: type, paper, the readout.
 * @param {Tokens} token
 */
export const themedFrame = (token) => ({
  separators: ".\u202f",
  font: { family: token("--font"), size: FONT_SIZE, color: token("--ink-soft") },
  paper_bgcolor: token("--surface"),
  plot_bgcolor: token("--surface"),
  hoverlabel: {
    bgcolor: token("--surface"),
    bordercolor: token("--line-strong"),
    font: { family: token("--font"), color: token("--ink"), size: FONT_SIZE },
  },
});

/**
 * @param {Record<string, any>} axis
 * @param {Tokens} token
 */
export const themedAxis = (axis, token) => ({
  ...axis,
  title: { ...axis.title, font: { size: FONT_SIZE } },
  fixedrange: true,
  gridcolor: token("--line"),
  linecolor: token("--line-strong"),
  tickcolor: token("--line-strong"),
  spikecolor: token("--line-strong"),
  spikethickness: 1,
});

/**
 * @param {Record<string, any>} trace
 * @param {string} colour
 */
function themedTrace(trace, colour) {
  return {
    ...trace,
    text: trace.text.map((/** @type {string} */ label) => label && `\u2002${label}`), // clear of its marker
    line: { ...trace.line, color: colour },
    marker: { ...trace.marker, color: colour },
    textfont: { color: colour },
  };
}
