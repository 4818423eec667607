/**
 * The reader's own network: a JSON document that stays in this browser, for no address could hold it.
 *
 * @typedef {{name?: string, input_shape?: number[], layers: object[]}} NetworkDocument
 */

const KEY = "groupscope-network";

/** Parsed once: it is asked for at every change. @type {{text: string, value: NetworkDocument|null}} */
let last = { text: "", value: null };

/** @returns {NetworkDocument|null} */
export function ownDocument() {
  const text = stored();
  if (text !== last.text) last = { text, value: parsed(text) };
  return last.value;
}

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage is switched off
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && Array.isArray(value.layers) ? value : null;
  } catch {
    return null;
  }
}

/** @param {NetworkDocument} value */
export function keepOwnDocument(value) {
  try {
    localStorage.setItem(KEY, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
