/**
 * Which channels of the stem can influence which channels after the module on screen, exactly; and what share of all
 * pairs that is, against depth.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {{module: number, connected: number, share: number, rows: string[]}} Reach
 * @typedef {{reach: Reach, figure: import("../../core/plotly.js").Figure}} Shown
 */
import { h, listeners, setText } from "../../core/dom.js";
import { groupColour } from "../../core/palette.js";
import { onTheme, token } from "../../core/theme.js";
import { dressedDepth } from "../../draw/depthaxis.js";
import { fillReach, pixelOf } from "../../draw/reach.js";
import { fixed, number } from "../../model/format.js";
import { afterName } from "../../model/ink.js";
import { cutsOf } from "../../model/reach.js";
import { groupsAt, runsText } from "../../model/stacksections.js";
import { sideOf } from "../../model/stackstate.js";
import { createChartView } from "../chartview.js";
import { createMatrixView } from "./matrixview.js";
import { headOf, twinOf } from "./twin.js";

/** @param {number} share */
const percent = (share) => `${fixed(100 * share, 1)}\u202f%`;

/**
 * @param {import("../../model/stackstate.js").StackStore} store
 */
export function createReach(store) {
  const sentence = h("p", { class: "reach-sentence" });
  const matrix = createMatrixView({
    id: "reach-matrix", label: "Which stem channel can reach which channel", across: "channel of the stem", down: "channel after the module",
    describe, onPick: ({ column }) => store.update({ dye: "channel", dye_channel: column }), most: 384,
  });
  const chart = createChartView({
    id: "reach-chart", label: "Chart of the share of connected pairs against depth", file: "reach", dress: marked,
    walk: { places: () => shown?.figure.data[0].x ?? [], sentence: shareSentence },
  });
  const [pairsTable, sharesTable] = [h("table"), h("table")];
  const pairs = twinOf("Which channels can be reached from which, as a table", pairsTable);
  const shares = twinOf("The shares as a table", sharesTable);
  const element = h("div", { class: "reach" }, h("h3", {}, "Which channels can be reached"), sentence,
    h("div", { class: "reach-pictures" }, matrix.element, chart.element), pairs, shares);
  const own = listeners();
  /** @type {Shown|null} */
  let shown = null;

  /** @param {{row: number, column: number}} place */
  function describe({ row, column }) {
    if (!shown) return "";
    const { rows, module } = shown.reach;
    const can = rows[row]?.[column] === "1";
    return `Stem channel ${column} ${can ? "can" : "cannot"} influence channel ${row} after ${afterName(module)}.`;
  }

  /** @param {number} module */
  function shareSentence(module) {
    return `After ${afterName(module)}: ${(shown?.figure.data ?? []).map(({ name, y }) => `${name} ${percent(y[module])}`).join(", ")} of the pairs are connected.`;
  }

  /** @type {import("../chartview.js").Dress} */
  function marked(figure, tokens, width, title) {
    const { data, layout } = dressedDepth(figure, tokens, width, title);
    const x = store.get().module;
    const line = { type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: tokens("--accent"), width: 2 } };
    return { data, layout: { ...layout, shapes: [line] } };
  }

  function paint() {
    if (!shown) return;
    const state = store.get();
    const { reach: { rows, module } } = shown;
    const side = sideOf(state);
    if (rows.length !== state.in_channels) return; // the answer to these channels is on its way
    const groups = groupsAt(state, side, module);
    const cells = fillReach(rows, groups, (group) => pixelOf(groupColour(group)), pixelOf(token("--surface")));
    const column = state.dye === "channel" ? state.dye_channel : -1;
    matrix.show({ cells, rows: rows.length, columns: rows.length, rowGroups: groups, columnGroups: groupsAt(state, side, 0), column });
  }

  /** Channels that the same stem channels can reach share a row. */
  function fillPairs() {
    if (!pairs.open || !shown) return;
    /** @type {Map<string, number[]>} */
    const alike = new Map();
    shown.reach.rows.forEach((row, o) => alike.set(row, [...(alike.get(row) ?? []), o]));
    const lines = [...alike].map(([row, channels]) => {
      const from = [...row].flatMap((bit, i) => (bit === "1" ? [i] : []));
      return h("tr", {}, h("th", { scope: "row" }, runsText(channels)), h("td", { class: "words" }, runsText(from) || "none"), h("td", {}, number(from.length)));
    });
    pairsTable.replaceChildren(headOf([`Channels after ${afterName(shown.reach.module)}`, "stem channels that can reach each", "how many"]), h("tbody", {}, ...lines));
  }

  /** @param {Shown} next */
  function fillShares({ figure: { data } }) {
    const lines = data[0].x.map((/** @type {number} */ module) => h("tr", {}, h("th", { scope: "row" }, module === 0 ? "stem" : module),
      ...data.map(({ y, name }) => h("td", { "data-name": name, "data-value": y[module] }, percent(y[module])))));
    sharesTable.replaceChildren(headOf(["After module", ...data.map(({ name }) => `${name}, pairs connected`)]), h("tbody", {}, ...lines));
  }

  own.on(pairs, "toggle", fillPairs);
  const offTheme = onTheme(paint);
  const unsubscribe = store.subscribe((next, prev) => {
    if (next.dye !== prev.dye || next.dye_channel !== prev.dye_channel) paint();
  });

  return {
    element,

    /** @param {Shown} next */
    async show(next) {
      shown = next;
      const { reach: { module, connected, share, rows } } = next;
      const all = number(rows.length ** 2);
      const groups = cutsOf(groupsAt(store.get(), sideOf(store.get()), module)).length + 1;
      const whose = store.get().compare ? `${sideOf(store.get()).toUpperCase()}: after` : "After";
      setText(sentence, `${whose} ${afterName(module)}, ${number(connected)} of ${all} pairs of channels are connected (${percent(share)})` +
        `${groups > 1 ? "; lines are drawn where its groups end" : ""}. A click dyes that channel of the stem.`);
      paint();
      fillPairs();
      fillShares(next);
      await chart.show(next.figure);
    },

    destroy() {
      unsubscribe();
      offTheme();
      own.end();
      matrix.destroy();
      chart.destroy();
    },
  };
}
