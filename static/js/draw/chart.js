/**
 * A depth figure of the server in the page's own colours and type. Pure: figure and tokens in, figure out.
 *
 * @typedef {import("../core/plotly.js").Figure} Figure
 * @typedef {(name: string) => string} Tokens
 */

const HEIGHT = 360;
const MARGIN = { l: 72, r: 96, t: 16, b: 48 };
const SIZE = 14;
const TITLE = 32; // CSS pixels; on the page the panel's heading is the title
const TICK = 26; // CSS pixels a layer's number needs

export const EXPORT_HEIGHT = HEIGHT + TITLE;

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
      title: undefined,
      separators: ".\u202f",
      height: HEIGHT,
      margin: MARGIN,
      font: { family: token("--font"), size: SIZE, color: token("--ink-soft") },
      paper_bgcolor: token("--surface"),
      plot_bgcolor: token("--surface"),
      hoverlabel: {
        bgcolor: token("--surface"),
        bordercolor: token("--line-strong"),
        font: { family: token("--font"), color: token("--ink"), size: SIZE },
      },
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
  const title = { text: figure.layout.title.text, font: { size: SIZE + 2, color: token("--ink") }, x: 0, xref: "paper" };
  return { data, layout: { ...layout, title, height: EXPORT_HEIGHT, margin: { ...MARGIN, t: MARGIN.t + TITLE } } };
}

/**
 * @param {Record<string, any>} axis
 * @param {Tokens} token
 */
const themedAxis = (axis, token) => ({
  ...axis,
  title: { ...axis.title, font: { size: SIZE } },
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
