/** The covariance between what a module reads and what it writes: do blocks form along the groups? */
import { h, setText } from "../../core/dom.js";
import { colourTable, cssGradient } from "../../draw/colours.js";
import { fillHeat } from "../../draw/heat.js";
import { fixed, float32Text, typeset } from "../../model/format.js";
import { figures } from "../../model/measurewords.js";
import { percent } from "../../model/trainwords.js";
import { createMatrixView } from "../stack/matrixview.js";
import { headOf, twinOf } from "../stack/twin.js";

/**
 * @typedef {import("../../model/trainwords.js").LookModule} LookModule
 * @typedef {object} Covariance
 * @property {number} channels
 * @property {Float32Array} values  (channels before the module, channels after it)
 */

const MANY = 16; // groups: from there on the table of all pairs is too wide to read

/** @param {number} count */
const inOrder = (count) => Array.from({ length: count }, (_, i) => i);

/** The group at each place. @param {LookModule} look @param {"in_channels"|"out_channels"} end */
const groupsAlong = ({ groups }, end) => Uint16Array.from(groups.flatMap((group) => Array(group[end]).fill(group.index)));

export function createBlocks() {
  const title = h("h3");
  const [low, high] = [h("span"), h("span")];
  const gradient = h("i", { class: "heat-bar" });
  gradient.style.backgroundImage = cssGradient("diverging");
  const view = createMatrixView({ id: "blocks", label: "Covariance between the maps a module reads and those it writes", across: "channel written", down: "channel read", describe });
  const share = h("p", { class: "convention" });
  const table = h("table", { class: "blocks-table" });
  const element = h("div", { class: "blocks" }, title, h("p", { class: "heat-legend" }, low, gradient, high, "covariance, by its square root"), view.element, share,
    twinOf("Covariance of group with group, as a table", table));
  /** @type {{look: LookModule, covariance: Covariance, rows: Uint16Array, columns: Uint16Array, before: number[], after: number[]}|null} */
  let shown = null;

  /** @param {{row: number, column: number}} place */
  function describe({ row, column }) {
    if (!shown) return "";
    const { covariance: { channels, values }, rows, columns, before, after } = shown;
    const [reads, writes] = [rows[row], columns[column]];
    return `Channel ${before[row]} (group ${reads + 1} reads it), channel ${after[column]} (group ${writes + 1} writes it): covariance ${typeset(float32Text(values[before[row] * channels + after[column]]))}${reads === writes ? ", within the group" : ""}.`;
  }

  /** Of many groups each with itself, and with the one it goes with most of all others. @param {LookModule} look */
  function showOwn({ blocks }) {
    table.replaceChildren(headOf(["Group", "with itself", "largest with another", "which"]), h("tbody", {}, ...blocks.map((line, i) => {
      const others = line.map((value, j) => (i === j ? -1 : value));
      const other = others.indexOf(Math.max(...others));
      return h("tr", {}, h("th", { scope: "row" }, i + 1), h("td", { "data-value": line[i] }, fixed(line[i], 3)), h("td", {}, fixed(line[other], 3)), h("td", {}, other + 1));
    })));
  }

  return {
    element,
    stage: view.stage,
    /** @param {LookModule} look @param {Covariance} covariance @param {string} label */
    show(look, covariance, label) {
      const { channels, values } = covariance;
      const before = look.order_before ?? inOrder(channels);
      const after = inOrder(channels).map((c) => (c + (look.rotation ?? 0)) % channels);
      shown = { look, covariance, before, after, rows: groupsAlong(look, "in_channels"), columns: groupsAlong(look, "out_channels") };
      const most = values.reduce((all, value) => Math.max(all, Math.abs(value)), 0);
      setText(title, `What module ${look.module} reads against what it writes, ${label}`);
      setText(low, typeset(`-${figures(most)}`));
      setText(high, figures(most));
      const cells = new Uint32Array(channels * channels);
      const end = Math.sqrt(most);
      fillHeat(cells, { rows: channels, columns: channels, values: values.map((value) => Math.sign(value) * Math.sqrt(Math.abs(value))), rowOrder: before, columnOrder: after, table: colourTable("diverging"), range: [-end, end] });
      view.show({ cells, rows: channels, columns: channels, rowGroups: shown.rows, columnGroups: shown.columns });
      setText(share, look.groups.length === 1 ? "One group reads and writes everything." : `${percent(look.inside)} of the squared covariance lies within the groups; ${percent(look.inside_expected)} of the pairs do.`);
      if (look.groups.length > MANY) return showOwn(look);
      table.replaceChildren(headOf(["Reads \\ writes", ...look.groups.map(({ index }) => `group ${index + 1}`)]), h("tbody", {}, ...look.blocks.map((line, i) =>
        h("tr", {}, h("th", { scope: "row" }, `group ${i + 1}`), ...line.map((value, j) => h("td", { "data-value": value, ...(i === j ? { class: "right" } : {}) }, fixed(value, 3)))))));
    },
    destroy: view.destroy,
  };
}
