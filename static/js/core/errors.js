/**
 * One sentence beside the control it is about. Templates carry an empty `#NAME-message` (polite live region)
 * next to each control; a field without one gets it here. Without a field the sentence goes to the page's status.
 */
import { h } from "./dom.js";

const LOGIN = "/login";

/**
 * @typedef {{label: string, run: () => void}} WayOut  a one-click way out
 * @typedef {typeof import("./errors.js")} Errors
 */

/** @param {string|null} field */
function messageOf(field) {
  const id = field ? `${field}-message` : "status";
  const known = document.getElementById(id);
  if (known || !field) return known;
  const control = document.getElementById(field);
  if (!control) return document.getElementById("status");
  const message = h("p", { id, class: "message", "aria-live": "polite" });
  (control.closest(".field") ?? control.closest("section") ?? document.body).append(message);
  return message;
}

/**
 * @param {string|null} field
 * @param {boolean} invalid
 */
function mark(field, invalid) {
  for (const id of [field, `${field}-number`]) {
    const control = id ? document.getElementById(id) : null;
    if (!(control instanceof HTMLInputElement || control instanceof HTMLSelectElement)) continue;
    if (invalid) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    describe(control, `${field}-message`, invalid);
  }
}

/**
 * @param {Element} control
 * @param {string} id
 * @param {boolean} on
 */
function describe(control, id, on) {
  const ids = new Set((control.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  if (on) ids.add(id);
  else ids.delete(id);
  if (ids.size) control.setAttribute("aria-describedby", [...ids].join(" "));
  else control.removeAttribute("aria-describedby");
}

/**
 * A sentence whose `/login` leads there: in a tab of its own, so that nothing on this page is lost.
 * @param {string} sentence
 * @returns {(string|Node)[]}
 */
export function withLink(sentence) {
  const at = sentence.indexOf(LOGIN);
  if (at < 0) return [sentence];
  const link = h("a", { href: LOGIN, target: "_blank", rel: "noopener" }, LOGIN);
  return [sentence.slice(0, at), link, sentence.slice(at + LOGIN.length)];
}

/**
 * @param {string|null} field
 * @param {"error"|"note"} kind
 * @param {string} sentence
 * @param {WayOut[]} waysOut
 */
function show(field, kind, sentence, waysOut) {
  const message = messageOf(field);
  if (!message) return;
  const buttons = waysOut.map(({ label, run }) =>
    h("button", { type: "button", class: "way-out", onclick: run }, label),
  );
  message.replaceChildren(...withLink(sentence), ...buttons);
  message.dataset.kind = kind;
  const folded = message.closest("details");
  if (folded) folded.open = true;
}

/**
 * @param {string|null} field
 * @param {string} sentence
 * @param {WayOut[]} [waysOut]
 */
export function showFieldError(field, sentence, waysOut = []) {
  show(field, "error", sentence, waysOut);
  if (field) mark(field, true);
}

/**
 * Something worth saying that is no error: a value that moved, a rounded split.
 * @param {string|null} field
 * @param {string} sentence
 */
export function showFieldNote(field, sentence) {
  show(field, "note", sentence, []);
  if (field) mark(field, false);
}

/** @param {string|null} field */
export function clearFieldError(field) {
  const message = document.getElementById(field ? `${field}-message` : "status");
  if (message?.hasChildNodes()) message.replaceChildren();
  if (field) mark(field, false);
}
