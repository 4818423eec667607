/** The depth figure in the page's colours, its numbers untouched; rows as a spreadsheet reads them. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { EXPORT_HEIGHT, exported, themed } from "../../static/js/draw/chart.js";
import { toCsv } from "../../static/js/model/csv.js";
import { measure } from "../../static/js/panels/mapstats.js";

const figure = {
  data: [
    { type: "scatter", meta: { scheme: "standard" }, x: [0, 1], y: [1, 2], text: ["", "standard"], line: { dash: "solid", width: 2 }, marker: { symbol: "circle" } },
    { type: "scatter", meta: { scheme: "uniform" }, x: [0, 1], y: [1, null], text: ["uniform", ""], line: { dash: "dash", width: 2 }, marker: { symbol: "square" } },
  ],
  layout: { title: { text: "Cost" }, xaxis: { title: { text: "layer" }, dtick: 1 }, yaxis: { title: { text: "MACs" }, type: "log", tickvals: [1, 10] }, hovermode: "x unified" },
};

const tokens = (/** @type {string} */ name) => `<${name}>`;

test("colours come from tokens by scheme; data, dashes, markers and ticks stay the server's", () => {
  const { data, layout } = themed(figure, tokens, 1000);
  assert.deepEqual(data.map(({ line }) => line), [
    { dash: "solid", width: 2, color: "<--series-standard>" },
    { dash: "dash", width: 2, color: "<--series-uniform>" },
  ]);
  assert.deepEqual(data[1].marker, { symbol: "square", color: "<--series-uniform>" });
  assert.deepEqual(data.map(({ y }) => y), [[1, 2], [1, null]]);
  assert.equal(layout.yaxis.type, "log");
  assert.deepEqual(layout.yaxis.tickvals, [1, 10]);
  assert.equal(layout.yaxis.gridcolor, "<--line>");
  assert.equal(layout.hovermode, "x unified");
  assert.equal(layout.title, undefined);
  assert.equal(figure.layout.title.text, "Cost", "the server's figure is not touched");
});

test("labels stand clear of their markers, and a narrow chart numbers fewer layers", () => {
  assert.deepEqual(themed(figure, tokens, 1000).data.map(({ text }) => text), [["", "\u2002standard"], ["\u2002uniform", ""]]);
  const long = { ...figure, data: figure.data.map((trace) => ({ ...trace, x: Array.from({ length: 16 }, (_, i) => i) })) };
  assert.deepEqual([1000, 358, 10].map((width) => themed(long, tokens, width).layout.xaxis.dtick), [1, 3, 16]);
});

test("a file carries the title and the room for it; the rest is as on the page", () => {
  const [page, file] = [themed(figure, tokens, 500), exported(figure, tokens, 500)];
  assert.equal(file.layout.title.text, "Cost");
  assert.equal(EXPORT_HEIGHT - page.layout.height, file.layout.margin.t - page.layout.margin.t);
  assert.deepEqual(file.data, page.data);
  assert.deepEqual(file.layout.yaxis, page.layout.yaxis);
});

test("CSV quotes what needs it and leaves nulls empty", () => {
  const rows = [
    { layer: 0, macs: 1849688064, reason: null },
    { layer: 1, macs: null, reason: 'groups must divide "in", 64 % 3 = 1' },
  ];
  assert.equal(toCsv(rows), 'layer,macs,reason\r\n0,1849688064,\r\n1,,"groups must divide ""in"", 64 % 3 = 1"\r\n');
});

test("CSV holds no formula: what a spreadsheet would work out begins with an apostrophe", () => {
  const rows = [{ name: "=1+1", macs: -3, digits: "-18446744073709551616" }];
  assert.equal(toCsv(rows), "name,macs,digits\r\n'=1+1,-3,-18446744073709551616\r\n");
});

test("measures keep three decimals, and powers of ten where those say nothing", () => {
  assert.deepEqual([0, 1.23456, -0.5, 0.00012, -2e-7, 123456.7].map(measure), ["0.000", "1.235", "\u22120.500", "1.2e-4", "\u22122.0e-7", "1.2e+5"]);
});
