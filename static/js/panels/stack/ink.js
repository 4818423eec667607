/**
 * Ink: one channel of the stem, or a patch of the picture, is dyed, and its exact |difference| flows through the stack.
 * Walls between the groups stop it; from here they can be opened.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../model/ink.js").Ink} Ink
 * @typedef {{ink: Ink} & import("./reach.js").Shown} Answer
 */
import { getJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { createPanelLoader } from "../../core/panelloader.js";
import { number } from "../../model/format.js";
import { afterName, changedText, inkSentence, rowsOf, strengths, strongest } from "../../model/ink.js";
import { closed, dealt, flow, walled } from "../../model/reach.js";
import { groupsAt } from "../../model/stacksections.js";
import { canonical, dyeQuery, numbersQuery, rotationOf, sideOf, sideQuery, spansOf, stackQuery, table } from "../../model/stackstate.js";
import { bindFields } from "../fields.js";
import { measure } from "../mapstats.js";
import { createInkPatch } from "./inkpatch.js";
import { createInkStrip } from "./inkstrip.js";
import { createReach } from "./reach.js";
import { headOf, twinOf } from "./twin.js";
import { waysOut } from "./waysout.js";

const FIELDS = /** @type {const} */ (["dye", "dye_channel", "dye_row", "dye_column", "dye_size"]);
const MIXERS = /** @type {const} */ ([["shuffle", "channel shuffle"], ["pointwise", "1 × 1 convolution"], ["rotated", "rotated split"]]);
const KEY = "A cell is as strong as the square root of its channel’s mean |difference|, relative to the strongest channel of its own row: rows can’t be compared. " +
  "An empty cell is exactly 0; a dot says that the channel could be reached, and yet is 0 in this picture.";

/** The last answer again, for an equal question. @template T */
function createMemo() {
  /** @type {{key: string, value: T}|null} */
  let last = null;
  return async (/** @type {string} */ key, /** @type {() => Promise<T>} */ ask) => {
    if (last?.key !== key) last = { key, value: await ask() };
    return last.value;
  };
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/stackstate.js").StackStore, boot: any, errors: import("../../core/errors.js").Errors}} deps
 */
export function createInk(host, { store, boot, errors }) {
  const fields = bindFields({ store, errors, table, params: boot.params }, FIELDS);
  const play = /** @type {HTMLButtonElement} */ (qs("#ink-play", host));
  const message = h("p", { class: "message", id: "ink-message", "aria-live": "polite" });
  const sentence = h("p", { class: "ink-sentence", "aria-live": "polite" });
  const mixers = MIXERS.map(([mixing, name]) => h("button", { type: "button", id: `ink-${mixing}`, onclick: () => turn(mixing) }, name));
  const invitation = h("span");
  const walls = h("p", { class: "ink-mixers" }, invitation, ...mixers);
  const patch = createInkPatch(store);
  const strip = createInkStrip({ describe, onPick: pick, onFlow: (flowing) => setText(play, flowing ? "Stop" : "Let it flow") });
  const inkTable = h("table");
  const reach = createReach(store);
  const pictures = h("div", { class: "ink-pictures" }, patch.element, strip.element);
  qs(".panel-body", host).replaceChildren(message, sentence, walls, pictures, h("p", { class: "convention" }, KEY), twinOf("The ink as a table", inkTable), reach.element);
  play.addEventListener("click", strip.play);
  /** What each row of the strip is made of. @type {{ink: Ink, reached: Uint8Array[]|null}|null} */
  let shown = null;

  /** @param {State} state */
  const inkPath = (state) => `/api/stack/ink?${sideQuery(state, sideOf(state))}&${dyeQuery(state)}`;
  /** @param {State} state */
  const reachPath = (state) => `/api/stack/reach?${numbersQuery(state, sideOf(state))}&module=${state.module}`;
  /** @param {State} state */
  const figurePath = (state) => `/api/figures/stack-reach?${stackQuery({ ...state, image: "" }, state.compare)}`;
  const [inks, reaches, figures] = [createMemo(), createMemo(), createMemo()];

  const loader = createPanelLoader({ store, errors, canonical }, "ink", (state) => [inkPath, reachPath, figurePath].map((path) => path(state)).join(" "),
    async (state, signal) => {
      /** @param {ReturnType<typeof createMemo>} memo @param {string} path */
      const ask = (memo, path) => memo(path, () => getJson(path, { signal }));
      const [ink, found, figure] = await Promise.all([ask(inks, inkPath(state)), ask(reaches, reachPath(state)), ask(figures, figurePath(state))]);
      return /** @type {Answer} */ ({ ink, reach: found, figure });
    }, { after: "maps", exits: (error) => waysOut(store.get(), error, store.update) });

  /** Open the walls, or close them again. @param {typeof MIXERS[number][0]} mixing */
  const turn = (mixing) => store.update({ mixing: store.get().mixing === mixing ? "none" : mixing });

  /** @param {{row: number, channel: number}} cell */
  function pick({ row, channel }) {
    store.update(row === 0 ? { dye: "channel", dye_channel: channel } : { module: row });
  }

  /** @param {{row: number, channel: number}} cell */
  function describe({ row, channel }) {
    if (!shown) return "";
    const { mean, max } = rowsOf(shown.ink)[row];
    const reachable = !shown.reached || shown.reached[row][channel] === 1;
    const known = max[channel] === 0 ? "exactly no difference" : `largest |difference| ${measure(max[channel])}, mean ${measure(mean[channel])}`;
    return `Channel ${channel} after ${afterName(row)}: ${known}; ${reachable ? "it can be reached" : "it cannot be reached"}.`;
  }

  /** @param {Answer} answer */
  async function show({ ink, reach: found, figure }) {
    const state = store.get();
    const side = sideOf(state);
    if (!loader.current()) return; // an older answer says nothing of these groups
    const rows = rowsOf(ink);
    const reached = state.dye === "channel" ? flow(state, side, state.dye_channel) : null;
    shown = { ink, reached };
    const spans = spansOf(state, side);
    strip.show({
      strip: {
        channels: state.in_channels, spans, mixing: state.mixing, order: dealt(spans), dyed: state.dye === "channel" ? state.dye_channel : -1,
        rows: rows.map((row, m) => ({
          strength: strengths(row), groups: groupsAt(state, side, m), reached: reached && reached[m], turn: rotationOf(state, m),
        })),
      },
      names: rows.map((_, m) => (m === 0 ? "stem" : String(m))),
      counts: rows.map(({ changed }) => `${number(changed)} of ${number(state.in_channels)}`),
      module: state.module,
    });
    setText(sentence, inkSentence(state, ink, state.dye === "channel" && closed(state, side, state.dye_channel)));
    showMixers(state, spans);
    showTable(rows);
    await reach.show({ reach: found, figure });
  }

  /** @param {State} state @param {readonly import("../../model/grouping.js").Span[]} spans */
  function showMixers({ mixing, dye }, spans) {
    walls.hidden = spans.length === 1 || dye === "patch";
    setText(invitation, mixing === "none" && walled(spans) ? "Open the walls with a" : "Between the modules:");
    MIXERS.forEach(([name], i) => mixers[i].setAttribute("aria-pressed", String(name === mixing)));
  }

  /** @param {import("../../model/ink.js").InkRow[]} rows */
  function showTable(rows) {
    const lines = rows.map((row) => {
      const { module, changed, reachable, max } = row;
      const most = strongest(row);
      return h("tr", { "data-module": module }, h("th", { scope: "row" }, module === 0 ? "stem" : module),
        h("td", { "data-name": "changed", "data-value": changed }, number(changed)),
        h("td", { "data-name": "reachable", "data-value": reachable }, reachable === null ? "all" : number(reachable)),
        h("td", { "data-name": "largest", "data-value": max[most] }, measure(max[most])),
        h("td", {}, max[most] > 0 ? most : "–"), h("td", { class: "words" }, changedText(row)));
    });
    inkTable.replaceChildren(headOf(["After module", "changed", "reachable", "largest |difference|", "in channel", "channels changed"]), h("tbody", {}, ...lines));
  }

  /** Only the chosen dye's fields, and how far they can go. @param {State} state */
  function showFields({ dye, in_channels, size, dye_size, module }) {
    const ends = { dye_channel: in_channels - 1, dye_row: size - dye_size, dye_column: size - dye_size, dye_size: size };
    for (const [id, end] of Object.entries(ends)) {
      const slider = /** @type {HTMLInputElement} */ (qs(`#${id}`, host));
      slider.dataset.reach = slider.max = String(end);
      const field = /** @type {HTMLElement} */ (slider.closest(".field"));
      field.hidden = (id === "dye_channel") !== (dye === "channel");
    }
    strip.mark(module);
  }

  const unsubscribe = store.subscribe(showFields);
  showFields(store.get());
  const off = loader.subscribe({ host, element: pictures, show });
  loader.refresh();
  return {
    destroy() {
      unsubscribe();
      off();
      loader.destroy();
      fields.destroy();
      play.removeEventListener("click", strip.play);
      for (const part of [patch, strip, reach]) part.destroy();
    },
  };
}
