/**
 * Edits by hand: tried at the server before they enter the state, so that the network on screen is always one that can
 * be; the list of them, undo and redo.
 *
 * @typedef {import("../../model/networkstate.js").Edits} Edits
 * @typedef {import("../../model/networkstate.js").NetworkState} NetworkState
 */
import { ApiError } from "../../core/api.js";
import { h, listeners } from "../../core/dom.js";
import { createHistory } from "../../core/history.js";
import { askWhatIf, subjectKey, subjectOf } from "../../core/whatif.js";

const UNDONE = /** @type {(keyof NetworkState)[]} */ (["network", "document", "policy", "groups", "width", "base", "scope", "hold", "edits"]);

/** @param {unknown} value @returns {string} */
function valueText(value) {
  if (Array.isArray(value)) return value.map(valueText).join(" × ");
  if (typeof value !== "object" || value === null) return String(value);
  const { scheme, groups, base, sizes } = /** @type {Record<string, any>} */ (value);
  const tail = scheme === "custom" ? sizes.map((/** @type {number[]} */ s) => s.join("→")).join(", ") : groups ? `n = ${groups}` : "";
  return `${scheme} ${tail}${base && base !== 2 ? `, base ${base}` : ""}`.trim();
}

/** @param {Record<string, unknown>} parameters */
const editText = (parameters) => Object.entries(parameters).map(([key, value]) => `${key} ${valueText(value)}`).join(", ");

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, whatIf: import("../../core/whatif.js").WhatIfLoader,
 *   errors: import("../../core/errors.js").Errors}} deps
 */
export function createEdits(host, { store, whatIf, errors }) {
  const own = listeners();
  const past = createHistory(store, UNDONE, ["groups", "width", "base"]);
  const list = h("ul", { class: "edit-list", id: "edit-list" });
  const empty = h("p", { class: "aside" }, "None. Press a layer’s name in the table.");
  const undo = h("button", { type: "button", id: "undo", onclick: past.undo }, "Undo");
  const redo = h("button", { type: "button", id: "redo", onclick: past.redo }, "Redo");
  const drop = h("button", { type: "button", id: "drop-edits", onclick: () => void inTurn(() => ({})) }, "Drop all");
  const message = h("p", { class: "message", id: "edits-message", "aria-live": "polite" });
  host.replaceChildren(list, empty, message, h("div", { class: "edit-buttons" }, undo, redo, drop));
  /** @type {AbortController|null} */
  let asking = null;
  /** One change after the other, each upon what became of the one before. @type {Promise<unknown>} */
  let settled = Promise.resolve();
  /** Asks for whatever else will be wanted. @type {(state: import("../../model/networkstate.js").FrozenNetworkState) => void} */
  let ahead = () => {};

  /**
   * Puts `edits` into the state if the network can be built with them.
   * @param {Edits} edits
   * @returns {Promise<ApiError|null>} what is wrong with them
   */
  async function attempt(edits) {
    const controller = new AbortController();
    asking = controller;
    const state = store.get();
    const next = { ...state, edits };
    try {
      const asked = askWhatIf({ ...subjectOf(state), edits }, controller);
      ahead(next);
      const data = await asked;
      if (controller.signal.aborted || subjectKey(store.get()) !== subjectKey(state)) return null; // it was about another
      whatIf.prime(next, data);
      errors.clearFieldError("edits");
      store.update({ edits });
      return null;
    } catch (error) {
      if (controller.signal.aborted) return null;
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  /**
   * @param {(edits: Edits) => Edits} change
   * @returns {Promise<ApiError|null>}
   */
  function inTurn(change) {
    const told = settled.then(() => attempt(change(store.get().edits)));
    settled = told.catch(() => {});
    return told;
  }

  function show() {
    const { edits } = store.get();
    const entries = Object.entries(edits);
    list.replaceChildren(...entries.map(([layer, parameters]) => {
      const words = `${layer}: ${editText(parameters)}`;
      const remove = () => void withdraw(layer);
      return h("li", {}, words, " ", h("button", { type: "button", class: "remove", "aria-label": `Drop ${words}`, onclick: remove }, "×"));
    }));
    empty.hidden = entries.length > 0;
    /** @type {HTMLButtonElement} */ (drop).disabled = entries.length === 0;
    /** @type {HTMLButtonElement} */ (undo).disabled = !past.canUndo;
    /** @type {HTMLButtonElement} */ (redo).disabled = !past.canRedo;
  }

  /** @param {string} layer */
  async function withdraw(layer) {
    const told = await inTurn(({ [layer]: _, ...rest }) => rest);
    if (told) errors.showFieldError("edits", told.sentence);
  }

  own.on(document, "keydown", (event) => {
    const typing = event.target instanceof HTMLElement && event.target.matches("input[type=text], textarea");
    if (typing || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    if (event.shiftKey) past.redo();
    else past.undo();
  });
  const unwatch = past.watch(show);
  const unsubscribe = store.subscribe((state, prev) => {
    if (state.edits !== prev.edits) show();
  });
  show();

  return {
    undo: past.undo,
    canUndo: () => past.canUndo,

    /** @param {typeof ahead} start  called with a state that may come about */
    before(start) {
      ahead = start;
    },

    /**
     * One parameter of one layer, over what was edited before.
     * @param {string} layer
     * @param {Record<string, unknown>} parameters
     * @param {readonly string[]} [gone]  parameters that these replace
     */
    set(layer, parameters, gone = []) {
      return inTurn((edits) => {
        const kept = Object.entries(edits[layer] ?? {}).filter(([key]) => !gone.includes(key));
        return { ...edits, [layer]: { ...Object.fromEntries(kept), ...parameters } };
      });
    },

    destroy() {
      asking?.abort();
      unwatch();
      unsubscribe();
      past.destroy();
      own.end();
    },
  };
}
