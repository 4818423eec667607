/**
 * A form below a row of the table, with the parameters of that layer as PyTorch names them. Each change is tried at
 * once; what cannot be is explained beside its field, and the network stays as it was.
 *
 * @typedef {import("../../model/parameters.js").Parameters} Parameters
 */
import { ApiError, postJson } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { withLink } from "../../core/errors.js";
import { subjectOf } from "../../core/whatif.js";
import { PARAMETERS, SCHEMES, readParameter, readSizes, splitEdit, splitOf } from "../../model/parameters.js";

const HELD = "These are the values before the widths are changed to hold the budget.";

/**
 * @param {{store: import("../../model/networkstate.js").NetworkStore,
 *   edits: ReturnType<typeof import("./edits.js").createEdits>, columns: number}} deps
 */
export function createEditor({ store, edits, columns }) {
  /** @type {{form: HTMLElement, button: HTMLButtonElement, layer: string}|null} */
  let open = null;

  function close() {
    const closing = open;
    open = null; // before the form goes: a field that leaves with a change in it must not send it
    closing?.form.remove();
    closing?.button.setAttribute("aria-expanded", "false");
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {HTMLButtonElement} button
   */
  async function toggle(row, button) {
    const layer = /** @type {string} */ (row.dataset.layer);
    const again = open?.layer === layer;
    close();
    if (again) return;
    const body = h("td", { colspan: columns });
    const form = h("tr", { class: "editor" }, body);
    open = { form, button, layer };
    button.setAttribute("aria-expanded", "true");
    row.after(form);
    await fill(body, layer);
    /** @type {HTMLElement|null} */ (body.querySelector("input, select"))?.focus();
  }

  /**
   * @param {HTMLElement} body
   * @param {string} layer
   */
  async function fill(body, layer) {
    /** @type {Parameters|undefined} */
    let found;
    try {
      const { layers } = await postJson("/api/networks/document", { ...subjectOf(store.get()), hold: "channels" });
      found = layers.find((/** @type {Parameters} */ entry) => entry.name === layer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const again = h("button", { type: "button", onclick: () => void fill(body, layer) }, "Try again");
      body.replaceChildren(h("div", { class: "editor-form" }, h("p", { class: "message", "data-kind": "error" }, ...withLink(error.sentence)), again));
      return;
    }
    if (!found) return close(); // the network is another by now
    const message = h("p", { class: "message", id: "edit-message", "aria-live": "polite", "data-kind": "error" });

    // All that was changed here is tried together: a kernel_size may need the padding that is written next.
    /** @type {Record<string, unknown>} */
    const written = {};
    /** @type {string[]} */
    const replaced = [];

    /**
     * @param {Record<string, unknown>} parameters
     * @param {string[]} [gone]
     */
    async function attempt(parameters, gone = []) {
      if (open?.layer !== layer) return;
      replaced.push(...gone);
      for (const name of gone) delete written[name];
      Object.assign(written, parameters);
      const told = await edits.set(layer, { ...written }, [...replaced]);
      const field = told?.field?.startsWith(`${layer}.`) ? told.field.slice(layer.length + 1) : null;
      for (const input of body.querySelectorAll("[data-parameter]")) {
        const wrong = told && input.getAttribute("data-parameter") === field;
        if (wrong) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
      message.textContent = told instanceof ApiError ? told.sentence : "";
    }

    const fields = Object.entries(PARAMETERS[found.kind]).map(([name, fallback]) =>
      parameterField(name, found[name] ?? fallback, (value) => attempt({ [name]: value })),
    );
    const split = found.kind === "Conv2d" ? splitFields(splitOf(found), attempt) : [];
    const title = h("p", { class: "editor-title" }, h("b", {}, layer), ` ${found.kind}`);
    const done = h("button", { type: "button", onclick: leave }, "Close");
    body.replaceChildren(h("div", { class: "editor-form", role: "group", "aria-label": `Edit ${layer}`, onkeydown: escape },
      title, ...fields, ...split, done, store.get().hold === "channels" ? null : h("p", { class: "editor-note" }, HELD), message));
    for (const input of body.querySelectorAll("input[type=text]")) {
      input.addEventListener("focus", () => /** @type {HTMLInputElement} */ (input).select());
    }
  }

  function leave() {
    const button = open?.button;
    close();
    button?.focus();
  }

  /** @param {KeyboardEvent} event */
  function escape(event) {
    if (event.key === "Escape") leave();
  }

  return {
    toggle,
    close,

    /** Shows the parameters anew, unless they are being written. */
    refresh() {
      const body = open?.form.firstElementChild;
      if (open && body instanceof HTMLElement && !body.contains(document.activeElement)) void fill(body, open.layer);
    },
  };
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {(value: unknown) => void} change
 */
function parameterField(name, value, change) {
  const common = { id: `edit-${name}`, "data-parameter": name };
  const input = typeof value === "boolean"
    ? h("input", { ...common, type: "checkbox", checked: value, onchange: () => change(input.checked) })
    : h("input", { ...common, type: "text", class: "number", value: String(value ?? ""), onchange: () => change(readParameter(input.value)) });
  return h("span", { class: "editor-field" }, h("label", { for: `edit-${name}` }, name), input);
}

/**
 * @param {Record<string, any>} split
 * @param {(parameters: Record<string, unknown>, gone: string[]) => void} attempt
 */
function splitFields(split, attempt) {
  const scheme = h("select", { id: "edit-scheme", "data-parameter": "grouping" }, ...SCHEMES.map((name) => h("option", { value: name }, name)));
  scheme.value = split.scheme;
  const box = (/** @type {string} */ name, /** @type {string} */ value) =>
    h("input", { type: "text", class: "number", id: `edit-${name}`, "data-parameter": name, value });
  const groups = box("groups", String(split.groups ?? 4));
  const base = box("base", String(split.base ?? 2));
  const sizes = box("sizes", (split.sizes ?? []).map((/** @type {number[]} */ pair) => pair.join("x")).join(","));
  const shown = /** @type {[string, HTMLInputElement, string[]][]} */ ([
    ["groups", groups, ["uniform", "logarithmic"]], ["base", base, ["logarithmic"]], ["sizes", sizes, ["custom"]],
  ]);
  const labelled = shown.map(([name, input]) => h("span", { class: "editor-field" }, h("label", { for: `edit-${name}` }, name), input));
  const showOnly = () => shown.forEach(([, , schemes], i) => (labelled[i].hidden = !schemes.includes(scheme.value)));
  const send = () => attempt(
    splitEdit({ scheme: scheme.value, groups: readParameter(groups.value), base: readParameter(base.value), sizes: readSizes(sizes.value) }),
    ["groups", "grouping"],
  );
  scheme.addEventListener("change", () => {
    showOnly();
    if (scheme.value !== "custom" || sizes.value.trim()) send();
    else sizes.focus();
  });
  for (const [, input] of shown) input.addEventListener("change", send);
  showOnly();
  return [h("span", { class: "editor-field" }, h("label", { for: "edit-scheme" }, "grouping"), scheme), ...labelled];
}
