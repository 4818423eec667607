/** The figures of networks in the page's colours: names at the lines' ends where they fit, a legend where they do not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { dressed } from "../../static/js/draw/curves.js";
import { memory, signed } from "../../static/js/model/format.js";

const line = (/** @type {string} */ name) => ({
  type: "scatter", mode: "lines+markers+text", name, x: [0, 1], y: [1, 2], text: ["", name], line: { dash: "dot", color: "#111111" }, marker: { symbol: "circle" },
});
const figure = {
  data: [{ ...line("original"), textposition: "top right" }, { ...line("variant"), textposition: "middle right" }],
  layout: { title: { text: "MACs" }, showlegend: false, margin: { l: 72, r: 200 }, xaxis: { title: { text: "layer" } }, yaxis: { title: { text: "MACs" }, type: "log" } },
};
const tokens = (/** @type {string} */ name) => `<${name}>`;

test("wide enough, names stand at the ends in their line's colour, on a logarithmic axis too", () => {
  const { data, layout } = dressed(figure, tokens, 900, false);
  const labels = layout.annotations.map((/** @type {any} */ { x, y, text, yanchor, font }) => [x, y, text, yanchor, font.color]);
  assert.deepEqual(labels, [
    [1, Math.log10(2), "original", "bottom", "<--curve-1>"],
    [1, Math.log10(2), "variant", "middle", "<--curve-2>"],
  ]);
  assert.deepEqual(data.map(({ text, mode }) => [text, mode]), [[undefined, "lines+markers"], [undefined, "lines+markers"]]);
  assert.deepEqual(data[1].line, { dash: "dot", color: "<--curve-2>" });
  assert.deepEqual([layout.showlegend, layout.margin.r, layout.title], [false, 200, undefined]);
  assert.equal(layout.yaxis.type, "log");
  assert.deepEqual(layout.xaxis.range, [-0.03, 1.03]);
});

test("on a phone a legend below takes their place, and the chart its width", () => {
  const { data, layout } = dressed(figure, tokens, 340, false);
  assert.deepEqual(data.map(({ text, mode }) => [text, mode]), [[undefined, "lines+markers"], [undefined, "lines+markers"]]);
  assert.ok(layout.showlegend);
  assert.deepEqual(layout.annotations, []);
  assert.ok(layout.margin.r < 40);
  assert.ok(layout.height > dressed(figure, tokens, 900, false).layout.height);
});

test("a file has its title", () => {
  const { layout } = dressed(figure, tokens, 900, true);
  assert.equal(layout.title.text, "MACs");
});

test("bars take the groups' colours, past the eighth from the first again", () => {
  const bars = { type: "bar", x: Array.from({ length: 9 }, (_, i) => i), y: [], marker: { line: { width: 0 } } };
  const { data } = dressed({ data: [bars], layout: figure.layout }, tokens, 900, false);
  assert.equal(data[0].marker.color[8], "<--group-1>");
  assert.equal(data[0].marker.color[7], "<--group-8>");
});

test("differences carry their sign, memory its unit, and digits beyond 2^53 stay", () => {
  assert.deepEqual([1234, -1234, 0, "18446744073709551616", "-18446744073709551616"].map(signed), [
    "+1\u202f234", "−1\u202f234", "0", "+18\u202f446\u202f744\u202f073\u202f709\u202f551\u202f616", "−18\u202f446\u202f744\u202f073\u202f709\u202f551\u202f616",
  ]);
  assert.deepEqual([0, 1023, 1024, 3 * 2 ** 20, 1.5 * 2 ** 30].map(memory), ["0\u202fbytes", "1\u202f023\u202fbytes", "1.00\u202fKiB", "3.00\u202fMiB", "1.50\u202fGiB"]);
});
