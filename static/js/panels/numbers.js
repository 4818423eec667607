/**
 * What the layer costs, against the standard layer and a fully connected one: numbers, ratios, bars, formulas.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../model/counts.js").Layer} Layer
 * @typedef {{name: string, value: number, share: number}} Line
 */
import { h, listeners, qs, setText } from "../core/dom.js";
import { canonical, layerQuery } from "../core/url.js";
import { countLayer } from "../model/counts.js";
import { UNITS, fixed, number, ratio } from "../model/format.js";
import { COSTS, groupTable } from "./grouptable.js";

const WORK = /** @type {const} */ (["macs", "flops"]);
const ROWS = ["this layer", "standard", "fully connected"];

/** @param {string} id */
function block(id) {
  const title = h("h3", {});
  const lines = ROWS.map((name) => line(id, name));
  const formula = h("p", { class: "formula", "data-name": `${id}-formula` });
  const element = h(
    "section",
    { class: "cost", "data-cost": id },
    title,
    h("table", {}, h("tbody", {}, ...lines.map(({ row }) => row))),
    formula,
  );
  return { element, title, lines, formula };
}

/** @param {string} id @param {string} name */
function line(id, name) {
  const key = `${id}-${name.replaceAll(" ", "-")}`;
  const value = h("td", { class: "value", "data-name": key });
  const share = h("td", { class: "share", "data-name": `${key}-ratio` });
  const bar = h("span", { class: "bar-fill" });
  const off = h("span", { class: "bar-off", hidden: true }, "off scale");
  const row = h(
    "tr",
    { class: name.replaceAll(" ", "-") },
    h("th", { scope: "row" }, name),
    value,
    share,
    h("td", { class: "bar-cell", "aria-hidden": "true" }, h("span", { class: "bar-line" }, bar, off)),
  );
  return { row, value, share, bar, off };
}

/**
 * @param {ReturnType<typeof line>} view
 * @param {number} value
 * @param {number} standard
 * @param {(n: number) => string} write
 */
function showLine(view, value, standard, write) {
  const share = value / standard;
  setText(view.value, write(value));
  view.value.dataset.value = String(value);
  setText(view.share, ratio(share));
  view.share.dataset.value = String(share);
  view.bar.style.setProperty("--share", String(Math.min(1, share)));
  view.off.hidden = share <= 1;
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../core/store.js").Store}} deps
 */
export function createNumbersPanel(host, { store }) {
  const { on, end } = listeners();
  const blocks = {
    params: block("params"),
    work: block("work"),
    memory: block("memory_access"),
    intensity: block("arithmetic_intensity"),
  };
  const unit = h(
    "select",
    { id: "unit", "aria-describedby": "unit-help" },
    ...WORK.map((unit) => h("option", { value: unit }, UNITS[unit])),
  );
  const table = groupTable("Costs of each group", COSTS);
  const shape = h("p", { "data-name": "output-shape" });
  const output = h("p", { class: "formula", "data-name": "output-formula" });
  const code = h("a", { id: "layer-code", download: "layer.py" }, "PyTorch code");
  const measured = h("a", { id: "measure-layer" }, "measure this layer");
  const fully = h("p", { class: "formula", "data-name": "fully_connected-formula" });
  qs(".panel-body", host).replaceChildren(
    h(
      "div",
      { class: "field pick unit" },
      h("label", { for: "unit" }, "Work in"),
      unit,
      h("span", { class: "help", id: "unit-help" }, "One MAC is one multiplication and one addition; it counts as two FLOPs."),
    ),
    h("div", { class: "costs" }, ...Object.values(blocks).map(({ element }) => element)),
    h("section", { class: "cost wide" }, h("h3", {}, "Output size"), shape, output, h("h3", {}, "Fully connected weights"), fully),
    h(
      "p",
      { class: "convention" },
      "One image. Params include bias; MACs and FLOPs never do, and one MAC is two FLOPs. Memory access moves every " +
        "element of input, output and weights once, at 4 bytes: a lower bound. Fully connected: between the same two " +
        "volumes, without bias. Bars are linear and end at the standard layer; one marked “off scale” goes on.",
    ),
    h("details", {}, h("summary", {}, "Costs of each group"), table.element),
    h("p", { class: "convention" }, "Fewer MACs are not as much less time: ", measured, " on this device."),
    h("p", { class: "files" }, "The layer as ", code),
  );
  on(unit, "change", () => store.update({ unit: unit.value === "flops" ? "flops" : "macs" }));

  /**
   * @param {ReturnType<typeof block>} view
   * @param {string} title
   * @param {string} formula
   * @param {number[]} values  of this layer, the standard one, the fully connected one
   * @param {(n: number) => string} [write]
   */
  function showBlock(view, title, formula, values, write = number) {
    setText(view.title, title);
    setText(view.formula, formula);
    values.forEach((value, i) => showLine(view.lines[i], value, values[1], write));
  }

  /** @param {State} state */
  function show(state) {
    const layer = countLayer(state);
    const { standard, fully_connected: full, formulas } = layer;
    const work = state.unit;
    unit.value = work;
    showBlock(blocks.params, "Params", formulas.params, [layer.params, standard.params, full.params]);
    showBlock(blocks.work, UNITS[work], formulas[work], [layer[work], standard[work], full[work]]);
    showBlock(blocks.memory, "Memory access, bytes", formulas.memory_access, [
      layer.memory_access_bytes,
      standard.memory_access_bytes,
      full.memory_access_bytes,
    ]);
    showBlock(
      blocks.intensity,
      "Arithmetic intensity, FLOPs per byte",
      formulas.arithmetic_intensity,
      [layer.arithmetic_intensity, standard.arithmetic_intensity, full.arithmetic_intensity],
      (n) => fixed(n, 2),
    );
    table.show(layer, work);
    const query = `${layerQuery(state)}&height=${state.size}&width=${state.size}`;
    code.href = `/api/layer/code?${query}`;
    measured.href = `/measure?${query}`;
    setText(shape, `output ${layer.output_shape.map(number).join(" × ")}`);
    setText(output, formulas.output);
    setText(fully, formulas.fully_connected);
    host.dataset.painted = canonical(state);
  }

  const stop = store.subscribe(show);
  show(store.get());
  return {
    destroy() {
      stop();
      end();
    },
  };
}
