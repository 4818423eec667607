/** Ink: how strong a cell is, what is said of the whole, and where the strip's cells lie. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { cellOfStrip, edgeOf, layoutStrip, paintStrip } from "../../static/js/draw/inkstrip.js";
import { changedText, inkSentence, strengths, strongest } from "../../static/js/model/ink.js";
import { parseQuery, spansOf } from "../../static/js/model/stackstate.js";

/** @param {string} query */
const stateOf = (query) => parseQuery(`?${query}`, {}).state;

/** @param {number} module @param {number[]} mean @param {number|null} reachable */
const rowOf = (module, mean, reachable) => ({ module, mean, max: mean.map((x) => 3 * x), changed: mean.filter(Boolean).length, reachable });

/** @param {...number} counts  reachable after the stem and each module, of four @returns {import("../../static/js/model/ink.js").Ink} */
function inkOf(...counts) {
  const rows = counts.map((count, m) => rowOf(m, [0, 1, 2, 3].map((c) => (c < count ? 1 : 0)), count));
  return { stem: rows[0], modules: rows.slice(1) };
}

test("strength is the root of the mean over the row's largest, and 0 for exactly nothing", () => {
  assert.deepEqual([...strengths(rowOf(1, [4, 1, 0, 4e-9], 4))].map((x) => Number(x.toFixed(3))), [1, 0.5, 0, 0.16]);
  assert.deepEqual([...strengths(rowOf(1, [0, 0], 0))], [0, 0]);
  const lost = { module: 1, max: [1e-40, 0], mean: [0, 0], changed: 1, reachable: 1 };
  assert.deepEqual([...strengths(lost)], [1, 0], "a change too small for its mean is a change");
});

test("changed channels are named in runs, the strongest by its largest difference", () => {
  assert.equal(changedText(rowOf(1, [1, 1, 0, 1], 3)), "0–1, 3");
  assert.equal(changedText(rowOf(1, [0, 0], 0)), "none");
  assert.equal(strongest(rowOf(1, [1, 3, 2], 3)), 1);
});

test("one sentence says how far it came, and why no further", () => {
  const grouped = "in_channels=4&scheme=uniform&groups=2&dye_channel=1&modules=2";
  assert.equal(inkSentence(stateOf(grouped), inkOf(1, 2, 2), true), "Channel 1 reaches 2 of 4 channels after module 2: walls stand between the groups.");
  assert.equal(inkSentence(stateOf(`${grouped}&mixing=shuffle`), inkOf(1, 2, 4), true), "Channel 1: after module 2 it has reached all 4 channels.");
  assert.match(inkSentence(stateOf(`${grouped}&mixing=rotated`), inkOf(1, 2, 3), true), /3 of 4 channels after module 2: turned by a quarter/);
  assert.match(inkSentence(stateOf(`${grouped}&mixing=shuffle`), inkOf(1, 2, 3), false), /more modules would carry it further\.$/);
  assert.match(inkSentence(stateOf(`${grouped}&compare=true&side=b`), inkOf(1, 2, 2), true), /^B: channel 1 reaches/);
  const still = inkOf(1, 2, 2);
  still.modules[1].changed = 1;
  assert.match(inkSentence(stateOf(grouped), still, true), /groups\. 1 of them shows no difference in this picture\.$/);
  const patch = (/** @type {number} */ count) => inkSentence(stateOf(`${grouped}&dye=patch&dye_size=8&size=32`), inkOf(count, 4, 3), false);
  assert.equal(patch(2), "A patch of 8 × 8 pixels: the stem mixes the three colours, and 2 of its 4 channels change. After module 2 the ink shows in 3 of 4 channels.");
  assert.match(patch(4), /and all 4 of its channels change\. After/);
  assert.match(patch(1), /and 1 of its 4 channels changes\. After/);
});

test("walls are not told of where groups hand channels to each other", () => {
  const lopsided = "in_channels=4&scheme=custom&sizes=1x3,3x1&dye_channel=1&modules=2";
  const told = inkSentence(stateOf(lopsided), inkOf(1, 2, 2), true);
  assert.equal(told, "Channel 1 reaches 2 of 4 channels after module 2: the groups hand it no further, however deep the stack.");
});

test("a pixel of the strip is a cell of a row, or none between rows", () => {
  for (const scale of [1, 2, 1.5]) {
    const layout = layoutStrip({ rows: 3, channels: 7, mixed: true, width: 300, scale });
    for (let row = 0; row < 3; row++) {
      for (let channel = 0; channel < 7; channel++) {
        const x = (edgeOf(layout, channel) + edgeOf(layout, channel + 1)) / 2;
        assert.deepEqual(cellOfStrip(layout, x, layout.tops[row] + layout.cell / 2), { row, channel });
      }
    }
    assert.equal(cellOfStrip(layout, 10, layout.tops[1] - layout.walls / 2), null);
    assert.equal(layout.tops[2] - layout.tops[1] - (layout.tops[1] - layout.tops[0]), layout.crossing);
    assert.equal(layout.height, layout.tops[2] + layout.cell + layout.line);
  }
});

test("cells that changed are filled in their group's colour, as strong as they are; the others stay empty", () => {
  /** @type {{fill: string, alpha: number, box: number[]}[]} */
  const filled = [];
  const ctx = /** @type {any} */ ({
    globalAlpha: 1, fillStyle: "", beginPath() {}, moveTo() {}, lineTo() {}, bezierCurveTo() {}, stroke() {}, fill() {},
    fillRect(/** @type {number[]} */ ...box) {
      filled.push({ fill: this.fillStyle, alpha: this.globalAlpha, box });
    },
  });
  const state = stateOf("in_channels=4&scheme=uniform&groups=2&modules=1");
  const layout = layoutStrip({ rows: 2, channels: 4, mixed: false, width: 101, scale: 1 });
  const groups = Uint16Array.of(0, 0, 1, 1);
  const strip = /** @type {import("../../static/js/draw/inkstrip.js").Strip} */ ({
    channels: 4, spans: spansOf(state, "a"), mixing: "none", order: [0, 1, 2, 3], dyed: 1,
    rows: [
      { strength: Float32Array.of(0, 1, 0, 0), groups, reached: Uint8Array.of(0, 1, 0, 0), turn: 0 },
      { strength: Float32Array.of(0, 1, 0, 0.5), groups, reached: Uint8Array.of(1, 1, 0, 1), turn: 0 },
    ],
  });
  const palette = { colour: (/** @type {number} */ g) => `group ${g}`, surface: "surface", line: "line", ink: "ink", soft: "soft", accent: "accent" };
  paintStrip(ctx, strip, layout, palette, 2);
  const cells = filled.filter(({ fill }) => fill.startsWith("group"));
  const [top0, top1] = layout.tops;
  assert.deepEqual(cells, [
    { fill: "group 0", alpha: 1, box: [25, top0, 25, 18] },
    { fill: "group 0", alpha: 1, box: [25, top1, 25, 18] },
    { fill: "group 1", alpha: 0.5, box: [75, top1, 25, 18] },
  ]);
  assert.equal(filled.filter(({ fill }) => fill === "soft").length, 1, "a dot where the dye could be, and is not");
  filled.length = 0;
  paintStrip(ctx, strip, layout, palette, 1);
  assert.equal(filled.filter(({ fill }) => fill.startsWith("group")).length, 1, "the ink has reached the stem alone");
});
