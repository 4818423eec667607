/** What keeps the scale: the root mean square of the maps against depth, for each gain and normalisation. */
import { getJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { createPanelLoader } from "../../core/panelloader.js";
import { dressedDepth } from "../../draw/depthaxis.js";
import { afterName } from "../../model/ink.js";
import { armName, scaleSentence } from "../../model/scales.js";
import { canonical, stackQuery } from "../../model/stackstate.js";
import { createChartView } from "../chartview.js";
import { measure } from "../mapstats.js";
import { headOf, twinOf } from "./twin.js";

/**
 * @typedef {import("../../model/scales.js").Arm} Arm
 * @typedef {{arms: Arm[], figure: import("../../core/plotly.js").Figure}} Shown
 */

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/stackstate.js").StackStore, errors: import("../../core/errors.js").Errors}} deps
 */
export function createScale(host, { store, errors }) {
  const message = h("p", { class: "message", id: "scale-message", "aria-live": "polite" });
  const sentence = h("p", { class: "scale-sentence" });
  const table = h("table");
  /** @type {Arm[]} */
  let arms = [];
  const view = createChartView({
    id: "scale-chart", label: "Chart of the maps’ scale against depth", file: "scale", dress: dressedDepth,
    walk: { places: () => (arms[0]?.rms ?? []).map((_, module) => module), sentence: valuesAt },
  });
  qs(".panel-body", host).replaceChildren(message, sentence, view.element, twinOf("The scale as a table", table));

  /** @param {number|null} value */
  const text = (value) => (value === null ? "not finite" : measure(value));

  /** @param {number} module */
  function valuesAt(module) {
    return `After ${afterName(module)}: ${arms.map((arm) => `${armName(arm)} ${text(arm.rms[module])}`).join("; ")}.`;
  }

  /** @param {import("../../model/stackstate.js").FrozenStackState} state */
  const query = (state) => stackQuery(state, false);

  const loader = createPanelLoader({ store, errors, canonical }, "scale", query, async (state, signal) => {
    const { arms: found } = await getJson(`/api/stack/scale?${query(state)}`, { signal });
    const figure = await getJson(`/api/figures/stack-scale?${query(state)}`, { signal }); // draws what the first computed
    return { arms: found, figure };
  }, { after: "maps" });

  /** @param {Shown} shown */
  async function show(shown) {
    arms = shown.arms;
    setText(sentence, `${store.get().compare ? "A. " : ""}${scaleSentence(arms)}`);
    const lines = arms[0].rms.map((_, module) => h("tr", {}, h("th", { scope: "row" }, module === 0 ? "stem" : module),
      ...arms.map((arm) => h("td", { "data-arm": `${arm.gain} ${arm.normalisation}`, "data-value": arm.rms[module] }, text(arm.rms[module])))));
    table.replaceChildren(headOf(["After module", ...arms.map((arm) => `${armName(arm)}${arm.chosen ? " (on screen)" : ""}`)]), h("tbody", {}, ...lines));
    await view.show(shown.figure);
  }

  const off = loader.subscribe({ host, element: view.element, show });
  loader.refresh();
  return {
    destroy() {
      off();
      loader.destroy();
      view.destroy();
    },
  };
}
