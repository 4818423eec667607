/**
 * The server's figures of a run in the page's own colours: an arm has its series' colour, a heat map goes from paper to
 * the accent. Pure: figure, tokens and width in, figure out.
 */
import { EXPORT_TITLE, FONT_SIZE, themedAxis, themedFrame } from "./chart.js";
import { dressedMeasure } from "./measure.js";

const HEAT_HEIGHT = 440;
const NARROW = 560; // CSS pixels: below it a cell has no room for its number
const NAMES = 0.3; // of the width, at most, for the names of the rows

/** @type {import("../panels/chartview.js").Dress} */
export const dressedTraining = (figure, token, width, title) =>
  figure.data.some(({ type }) => type === "heatmap") ? dressedHeat(figure, token, width, title) : dressedMeasure(roomy(figure), token, width, title);

/** The names stand below: no room is kept at the ends of lines. @param {import("../core/plotly.js").Figure} figure */
const roomy = ({ data, layout }) => ({ data, layout: { ...layout, margin: { ...layout.margin, r: 24 } } });

/** @type {import("../panels/chartview.js").Dress} */
function dressedHeat({ data, layout }, token, width, title) {
  const above = title ? EXPORT_TITLE : 0;
  const narrow = width < NARROW;
  return {
    data: data.map((trace) => ({
      ...trace,
      colorscale: [[0, token("--surface")], [1, token("--accent")]],
      showscale: false,
      xgap: 1,
      ygap: 1,
      texttemplate: narrow ? "" : trace.texttemplate,
      textfont: { family: token("--font"), size: FONT_SIZE - 1 },
    })),
    layout: {
      ...layout,
      ...themedFrame(token),
      plot_bgcolor: token("--line"),
      title: title ? { text: layout.title.text, font: { size: FONT_SIZE + 2, color: token("--ink") }, x: 0, xref: "paper" } : undefined,
      height: HEAT_HEIGHT + above,
      margin: { l: Math.min(112, NAMES * width), r: 8, t: 16 + above, b: 104 },
      xaxis: { ...themedAxis(layout.xaxis, token), tickangle: -45, automargin: true },
      yaxis: { ...themedAxis(layout.yaxis, token), automargin: true },
    },
  };
}
