/** How much each group of a module weighs and puts out, as bars in the groups' colours; the table is the picture. */
import { h, setText } from "../../core/dom.js";
import { counted, fixed, number } from "../../model/format.js";
import { figures } from "../../model/measurewords.js";
import { percent } from "../../model/trainwords.js";
import { headOf } from "../stack/twin.js";

const COLOURS = 8;
const TEXTURES = ["", "texture-rising", "texture-dots", "texture-falling", "texture-level"]; // as core/palette.js

export function createEnergies() {
  const title = h("h3");
  const table = h("table", { class: "energy-table" });
  const whole = h("p", { class: "convention" });
  const element = h("div", { class: "energies" }, title, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Energy of each group" }, table), whole);

  /** @param {number} share @param {number} index @param {string} name */
  function bar(share, index, name) {
    const fill = h("i", { class: `share-bar ${TEXTURES[Math.floor(index / COLOURS) % TEXTURES.length]}`.trim() });
    fill.style.setProperty("--share", String(share));
    fill.style.setProperty("--group", `var(--group-${(index % COLOURS) + 1})`);
    return h("td", { class: "share-line", "data-name": name, "data-value": share }, h("span", { class: "share-cell" }, h("span", { class: "share-track" }, fill), h("span", { class: "share-text" }, percent(share))));
  }

  return {
    element,
    /** @param {import("../../model/trainwords.js").LookModule} look @param {string} label */
    show({ module, groups, dead, rank }, label) {
      setText(title, `Groups of module ${module}, ${label}`);
      const channels = groups.reduce((sum, { out_channels }) => sum + out_channels, 0);
      table.replaceChildren(headOf(["Group", "in → out", "of channels", "weight energy", "activation energy", "weight RMS", "activation RMS", "dead maps", "effective rank"]),
        h("tbody", {}, ...groups.map((group) => h("tr", { "data-group": group.index }, h("th", { scope: "row" }, group.index + 1),
          h("td", {}, `${number(group.in_channels)} → ${number(group.out_channels)}`), h("td", {}, percent(group.out_channels / channels)),
          bar(group.weight_energy, group.index, "weight_energy"), bar(group.activation_energy, group.index, "activation_energy"),
          h("td", {}, figures(group.weight_rms)), h("td", {}, figures(group.activation_rms)), h("td", {}, number(group.dead)),
          h("td", {}, group.rank === null ? "–" : fixed(group.rank, 2))))));
      setText(whole, `Energy is the sum of squares, as a share of the module’s. All ${counted(channels, "map")} of the module together: ${counted(dead, "dead map")}, effective rank ${rank === null ? "none" : fixed(rank, 2)}.`);
    },
  };
}
