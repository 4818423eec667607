/**
 * The reader's own network: a JSON document that stays in this browser, for no address could hold it.
 *
 * @typedef {{name?: string, input_shape?: number[], layers: object[]}} NetworkDocument
 */

const KEY = "groupscope-network";

/** @returns {NetworkDocument|null} */
export function ownDocument() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return value && Array.isArray(value.layers) ? value : null;
  } catch {
    return null; // storage is switched off, or holds something else
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
