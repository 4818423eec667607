/** A number of the headline with its unit and its ratio, in cells of constant width. */
import { h, setText } from "../core/dom.js";

/**
 * @param {string} name
 * @param {string} against  what the ratio is to
 */
export function figure(name, against) {
  const value = h("span", { class: "figure-value", "data-name": name });
  const unit = h("span", { class: "figure-unit" });
  const share = h("span", { class: "figure-ratio", "data-name": `${name}-ratio` });
  const beside = h("span", {}, share, h("span", { class: "figure-unit figure-against" }, ` ${against}`));
  return {
    element: h("p", { class: "figure" }, h("span", { class: "figure-count" }, value, " ", unit), beside),

    /**
     * @param {number|string} count
     * @param {string} text
     * @param {string} unitText
     * @param {number|null} ratio
     * @param {string} ratioText
     */
    write(count, text, unitText, ratio, ratioText) {
      setText(value, text);
      value.dataset.value = String(count);
      setText(unit, unitText);
      setText(share, ratioText);
      share.dataset.value = String(ratio);
    },
  };
}
