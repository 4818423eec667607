/** Whether the arms differ by more than their noise: the sentence, and each pair with its interval. */
import { h, setText } from "../../core/dom.js";
import { points, sentenced } from "../../model/trainwords.js";
import { headOf } from "../stack/twin.js";

/** @typedef {import("../../core/training.js").TrainingRecord} TrainingRecord */

export function createVerdict() {
  const sentence = h("p", { class: "gist", "data-name": "verdict" });
  const table = h("table", { class: "verdict-table" });
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Differences between the arms" }, table);
  const words = h("p", { class: "convention" });
  const element = h("div", { class: "verdict", hidden: true }, sentence, scroller, words);

  return {
    element,
    /** @param {TrainingRecord} record */
    show({ verdict, arms }) {
      element.hidden = !verdict;
      if (!verdict) return;
      /** @param {string} arm */
      const name = (arm) => arms.find((each) => each.arm === arm)?.label ?? arm;
      setText(sentence, verdict.sentence);
      words.hidden = verdict.pairs.length === 0;
      setText(words, `All intervals hold at once in 95 of 100 such runs. ${arms[0].seeds.length > 1 ? "They come from the same seeds on both sides, pair by pair." : "Of one seed they say how much the choice of held-out images matters, and nothing of other seeds."}`);
      scroller.hidden = verdict.pairs.length === 0;
      table.replaceChildren(headOf(["Pair", "difference, points", "between", "noise?"]), h("tbody", {}, ...verdict.pairs.map(({ a, b, difference, low, high, noise }) =>
        h("tr", { "data-a": a, "data-b": b }, h("th", { scope: "row" }, `${sentenced(name(a))} − ${name(b)}`),
          h("td", { "data-name": "difference", "data-value": difference }, h("strong", {}, points(difference))),
          h("td", {}, low === null || high === null ? "–" : `${points(low)} and ${points(high)}`),
          h("td", { class: "words" }, noise ? "within the noise" : "exceeds it")))));
    },
  };
}
