/**
 * The definition line: one sentence about the field under the pointer or the focus, always in the same place,
 * so that no tooltip ever covers what is being looked at. Works for every `.field` with a `label` and a `.help`.
 */
import { h, listeners } from "../core/dom.js";

/**
 * @param {HTMLElement} root  where fields are
 * @param {HTMLElement} line
 */
export function createHelp(root, line) {
  const { on, end } = listeners();
  const rest = line.textContent ?? "";
  /** @type {Element|null} */
  let shown = null;

  /** @param {Element|null} field */
  function show(field) {
    if (field === shown) return;
    shown = field;
    const help = field?.querySelector(":scope > .help")?.textContent;
    const term = field?.querySelector("label, legend")?.textContent?.trim();
    if (help) line.replaceChildren(h("b", {}, term), ` ${help}`);
    else line.replaceChildren(rest);
  }

  /** @param {EventTarget|null} target */
  const fieldOf = (target) => (target instanceof Element ? target.closest(".field") : null);

  on(root, "pointerover", (event) => show(fieldOf(event.target) ?? fieldOf(document.activeElement)));
  on(root, "focusin", (event) => show(fieldOf(event.target)));
  on(root, "focusout", () => show(null));
  return { destroy: end };
}
