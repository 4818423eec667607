/** The text twin of a picture: a table that opens below it. */
import { h } from "../../core/dom.js";

/** @param {string} label @param {HTMLTableElement} table */
export const twinOf = (label, table) =>
  h("details", { class: "map-twin" }, h("summary", {}, label), h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label }, table));

/** @param {string[]} texts */
export const headOf = (texts) => h("thead", {}, h("tr", {}, ...texts.map((text) => h("th", { scope: "col" }, text))));
