/** What leaves the page as files: rows as CSV and JSON, the network as a document, and as runnable PyTorch code. */
import { postForText, postJson, sentenceOf } from "../../core/api.js";
import { h, qs } from "../../core/dom.js";
import { downloadText } from "../../core/files.js";
import { createPanelLoader, subjectKey, subjectOf } from "../../core/whatif.js";
import { toCsv } from "../../model/csv.js";
import { OWN, changesText, pinOf } from "../../model/networkstate.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {import("../../core/whatif.js").Row} Row
 */
const COPIED_MS = 2000;

/**
 * A row as a spreadsheet wants it: lists as text, the grouping in words.
 * @param {Row} row
 */
function flat(row) {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => {
    if (key === "grouping") return [key, value?.text ?? ""];
    return [key, Array.isArray(value) ? value.join("x") : value];
  }));
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors,
 *   whatIf: import("../../core/whatif.js").WhatIfLoader}} deps
 */
export function createTakeaway(host, { store, errors, whatIf }) {
  const message = h("p", { class: "message", id: "takeaway-message", "aria-live": "polite" });
  const code = h("pre", { class: "code", tabindex: "0", "aria-label": "PyTorch code" });
  const copy = h("button", { type: "button", id: "code-copy", onclick: copyCode }, "Copy");
  const files = h("div", { class: "files" }, "The variant as ",
    h("button", { type: "button", id: "save-csv", onclick: saveCsv }, "CSV"),
    h("button", { type: "button", id: "save-json", onclick: saveJson }, "JSON"),
    h("button", { type: "button", id: "save-document", onclick: saveDocument }, "Network document"),
    h("button", { type: "button", id: "save-code", onclick: () => downloadText(code.textContent ?? "", "text/x-python", `${fileName()}.py`) }, "PyTorch code"),
  );
  qs(".panel-body", host).replaceChildren(message, files,
    h("p", { class: "convention" }, "The code needs torch alone: equal groups are native, uneven ones a small module of their own. Charts leave as PNG and SVG below each of them."),
    h("div", { class: "code-head" }, h("h3", {}, "The variant in PyTorch"), copy), code);

  /** alexnet-2012-logarithmic-n-4 */
  function fileName() {
    const pin = pinOf(store.get());
    const words = `${pin.network === OWN ? "network" : pin.network} ${changesText(pin)}`;
    return words.replace(/[^\w.]+/g, "-").replace(/-$/, "");
  }

  /** @param {unknown} error */
  const complain = (error) => {
    if (!(error instanceof Error)) throw error;
    errors.showFieldError("takeaway", sentenceOf(error));
  };

  function saveCsv() {
    const data = whatIf.get();
    if (data) downloadText(toCsv(data.variant.rows.map(flat)), "text/csv", `${fileName()}.csv`);
  }

  function saveJson() {
    const data = whatIf.get();
    if (data) downloadText(JSON.stringify(data, null, 2), "application/json", `${fileName()}.json`);
  }

  async function saveDocument() {
    try {
      const document = await postJson("/api/networks/document", subjectOf(store.get()));
      downloadText(JSON.stringify(document, null, 2), "application/json", `${fileName()}-network.json`);
    } catch (error) {
      complain(error);
    }
  }

  async function copyCode() {
    try {
      await navigator.clipboard.writeText(code.textContent ?? "");
      copy.textContent = "Copied";
    } catch {
      getSelection()?.selectAllChildren(code); // browsers keep the clipboard from pages without TLS
      copy.textContent = "Selected: copy it";
    }
    setTimeout(() => (copy.textContent = "Copy"), COPIED_MS);
  }

  const loader = createPanelLoader({ store, errors }, "takeaway", subjectKey, (state, signal) =>
    postForText("/api/networks/code", subjectOf(state), { signal }),
  { last: true });
  const off = loader.subscribe({ host, element: code, show: (/** @type {string} */ text) => void (code.textContent = text) });
  loader.refresh();
  return {
    destroy() {
      off();
      loader.destroy();
    },
  };
}
