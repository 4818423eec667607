/** Files that the page hands out: made here, nothing is sent anywhere. */
import { h } from "./dom.js";

/**
 * @param {string} url
 * @param {string} name
 */
export function download(url, name) {
  h("a", { href: url, download: name }).click();
}

/**
 * @param {string} text
 * @param {string} type  media type
 * @param {string} name
 */
export function downloadText(text, type, name) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  download(url, name);
  URL.revokeObjectURL(url);
}
