/** Effective ranks as bars: how many directions the maps use, of as many as there are channels. */
import { h } from "../../core/dom.js";
import { fixed, number } from "../../model/format.js";
import { afterName } from "../../model/ink.js";
import { headOf } from "./twin.js";

/**
 * @param {HTMLTableElement} table
 * @param {import("../../model/redundancy.js").Redundancy} redundancy
 * @param {number} module
 */
export function showRanks(table, { rank, groups, channels }, module) {
  const whole = [
    { name: "stem", value: rank.stem, of: channels, group: null },
    ...(module > 1 ? [{ name: `before, ${afterName(module - 1)}`, value: rank.before, of: channels, group: null }] : []),
    { name: afterName(module), value: rank.layer, of: channels, group: null },
  ];
  const own = groups.map(({ index, out_channels }) => ({ name: `group ${index + 1}`, value: rank.groups[index], of: out_channels, group: index }));
  const lines = [...whole, ...(groups.length > 1 ? own : [])].map(({ name, value, of, group }) => {
    const bar = h("i", { class: "rank-bar" });
    bar.style.setProperty("--share", String((value ?? 0) / of));
    if (group !== null) bar.style.setProperty("--group", `var(--group-${(group % 8) + 1})`);
    return h("tr", {}, h("th", { scope: "row" }, name), h("td", { "data-name": name, "data-value": value }, value === null ? "–" : fixed(value, 2)),
      h("td", {}, number(of)), h("td", { class: "rank-line" }, bar));
  });
  const head = headOf(["Maps of", "effective rank", "of channels", "share"]);
  head.firstElementChild?.lastElementChild?.classList.add("words");
  table.replaceChildren(head, h("tbody", {}, ...lines));
}
