/** The reader's own network: pasted, opened from a file, or begun from the one on screen; checked before it is used. */
import { ApiError, postJson } from "../../core/api.js";
import { listeners, qs } from "../../core/dom.js";
import { subjectOf } from "../../core/whatif.js";
import { OWN } from "../../model/networkstate.js";
import { keepOwnDocument } from "../../model/own.js";

/**
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors, maxBytes: number}} deps
 */
export function createOwn({ store, errors, maxBytes }) {
  const { on, end } = listeners();
  const dialog = /** @type {HTMLDialogElement} */ (qs("#own-dialog"));
  const text = /** @type {HTMLTextAreaElement} */ (qs("#own-text"));
  const file = /** @type {HTMLInputElement} */ (qs("#own-file"));
  const option = /** @type {HTMLOptionElement} */ (qs('#network option[value="own"]'));

  /** @param {unknown} document */
  function write(document) {
    const json = JSON.stringify(document, null, 2);
    if (!text.value) return void (text.value = json);
    text.select(); // as if pasted: Ctrl+Z brings back what was written
    if (!globalThis.document.execCommand("insertText", false, json)) text.value = json;
  }

  /** @param {string} sentence */
  const complain = (sentence) => errors.showFieldError("own", sentence);

  async function start() {
    try {
      write(await postJson("/api/networks/document", subjectOf(store.get())));
      errors.clearFieldError("own");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      complain(error.sentence);
    }
  }

  async function use() {
    let document;
    try {
      document = JSON.parse(text.value);
    } catch (error) {
      return complain(`This is no JSON: ${error instanceof Error ? error.message : "it cannot be read"}.`);
    }
    try {
      await postJson("/api/networks/analyze", document);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return complain(error.sentence);
    }
    if (!keepOwnDocument(document)) return complain("This browser keeps nothing for this page: allow it to store data.");
    errors.clearFieldError("own");
    option.hidden = false;
    dialog.close();
    store.update({ network: OWN, document, edits: {} });
  }

  async function open() {
    const [picked] = file.files ?? [];
    file.value = "";
    if (!picked) return;
    if (picked.size > maxBytes) return complain(`A document may have at most ${maxBytes} bytes, not ${picked.size}.`);
    text.value = await picked.text();
    await use();
  }

  on(qs("#own-open"), "click", () => {
    const own = store.get().document;
    if (!text.value && own) write(own);
    else if (!text.value) void start();
    dialog.showModal();
  });
  on(qs("#own-close"), "click", () => dialog.close());
  on(qs("#own-shown"), "click", start);
  on(qs("#own-use"), "click", use);
  on(file, "change", open);
  const unsubscribe = store.subscribe((state, prev) => {
    if (state.document && state.document !== prev.document) keepOwnDocument(state.document); // undone, it is kept again
  });
  option.hidden = !store.get().document;
  return {
    destroy() {
      unsubscribe();
      end();
    },
  };
}
