/** Charts against the module: an axis from the stem to the last module, its numbers as many as there is room for. */
import { dressed } from "./curves.js";

const TICK = 26; // CSS pixels that a number needs
const MARGIN = 0.3; // of a module, beside the first and the last

/** @type {import("../panels/chartview.js").Dress} */
export function dressedDepth(figure, token, width, title) {
  const { data, layout } = dressed(figure, token, width, title);
  const last = data[0].x.length - 1;
  const room = Math.max(1, width - layout.margin.l - layout.margin.r);
  const dtick = Math.max(layout.xaxis.dtick, Math.ceil((last * TICK) / room));
  return { data, layout: { ...layout, xaxis: { ...layout.xaxis, dtick, range: [-MARGIN, last + MARGIN] } } };
}
