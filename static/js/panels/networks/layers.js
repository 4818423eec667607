/**
 * The table of layers: what each is, the chosen count in the original and in the variant, and the variant's other
 * counts. Rows are made once for a network and written into after that; pointing at one marks its place in the chart.
 *
 * @typedef {import("../../core/whatif.js").WhatIf} WhatIf
 * @typedef {import("../../core/whatif.js").Row} Row
 * @typedef {import("../../core/whatif.js").LayerChange} LayerChange
 * @typedef {import("../../core/whatif.js").Count} Count
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {{was: Row, is: Row, change: LayerChange}} Line
 * @typedef {{text: string, value?: Count|null, mark?: string}} Cell
 * @typedef {{head: string, name?: string, cell: (line: Line, metric: string) => Cell, wide?: boolean}} Column
 */
import { h, listeners, qs, setText } from "../../core/dom.js";
import { METRICS, fixed, number, pair, ratio, signed } from "../../model/format.js";
import { MAIN_KINDS } from "../../model/networkstate.js";
import { editable } from "../../model/parameters.js";
import { createEditor } from "./editor.js";

const INTENSITY = "arithmetic_intensity";

/** @param {Count|null|undefined} n @param {string} [metric] */
const countText = (n, metric) =>
  n === null || n === undefined ? "–" : metric === INTENSITY ? fixed(Number(n), 2) : number(n);

/** @param {[number, number]|null} window */
const windowText = (window) => (window ? (window[0] === window[1] ? `${window[0]} × ${window[0]}` : window.join(" × ")) : "");

/** @param {Line} line */
function groupingCell({ was, is, change }) {
  if (change.left_alone) return { text: `left alone: ${change.left_alone}`, mark: "left-alone" };
  const text = is.grouping?.text ?? "";
  return { text, mark: was.grouping?.text === text ? "" : "changed" };
}

/** @param {string} part @param {string} metric @param {LayerChange} change */
function saved(part, metric, change) {
  const key = metric === "flops" ? "macs" : metric;
  const half = change.halving?.[part];
  return half && typeof half[key] === "object" ? half[key] : half?.[key] ?? null;
}

/** @param {string} part */
const halves = (part) => (/** @type {Line} */ { is, change }, /** @type {string} */ metric) => {
  const value = saved(part, metric, change);
  const whole = Number(is[metric === "flops" ? "macs" : metric]);
  if (value === null || !whole) return { text: "–", value: null };
  return { text: `${fixed((100 * Number(value)) / whole, 1)} %`, value };
};

/** @type {Column[]} */
const COLUMNS = [
  { head: "Kind", cell: ({ is }) => ({ text: is.kind }) },
  { head: "Channels", cell: ({ was, is }) => ({
    text: `${number(is.in_channels)} → ${number(is.out_channels)}`,
    mark: was.in_channels === is.in_channels && was.out_channels === is.out_channels ? "" : "changed",
  }) },
  { head: "Kernel", cell: ({ is }) => ({ text: windowText(is.kernel_size) }) },
  { head: "Stride", cell: ({ is }) => ({ text: is.stride ? pair(is.stride) : "" }) },
  { head: "Grouping", cell: groupingCell, wide: true },
  { head: "Output", cell: ({ is }) => ({ text: is.output_shape.map(number).join(" × ") }) },
  { head: "original", name: "original", cell: ({ was }, metric) => ({ text: countText(was[metric], metric), value: was[metric] }) },
  { head: "variant", name: "variant", cell: ({ is }, metric) => ({ text: countText(is[metric], metric), value: is[metric] }) },
  { head: "difference", name: "delta", cell: ({ was, is, change }, metric) => {
    if (metric === INTENSITY) return { text: signed(fixed(Number(is[metric]) - Number(was[metric]), 2)), value: null };
    const delta = change.deltas[metric];
    return { text: delta === undefined ? "–" : signed(delta), value: delta ?? null };
  } },
  { head: "ratio", name: "ratio", cell: ({ was, is, change }, metric) => {
    const own = Number(is[metric]) / Number(was[metric]);
    const share = metric in change.ratios ? change.ratios[metric] : Number.isFinite(own) ? own : null;
    return { text: share === null ? "–" : ratio(share), value: share };
  } },
  { head: "½ channels saves", name: "half-channels", cell: halves("channels") },
  { head: "½ resolution saves", name: "half-resolution", cell: halves("resolution") },
  ...["params", "macs", "activations", "weight_bytes", "memory_access_bytes", "arithmetic_intensity"].map((key) => ({
    head: METRICS[key], name: key, cell: (/** @type {Line} */ { is }) => ({ text: countText(is[key], key), value: is[key] }),
  })),
  { head: "fully connected weights", name: "fully_connected_weights", cell: ({ is }) => ({
    text: countText(is.fully_connected_weights), value: is.fully_connected_weights,
  }) },
];
const ROOM = 80; // CSS pixels that heads and sums cover
const SUMS = { original: "original", variant: "variant" };

/** @param {HTMLElement} cell @param {Cell} content */
function write(cell, { text, value, mark }) {
  setText(cell, text);
  if (mark !== undefined) cell.title = text;
  if (value !== undefined && cell.dataset.value !== String(value)) cell.dataset.value = String(value);
  if (mark !== undefined && cell.dataset.mark !== mark) cell.dataset.mark = mark;
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, whatIf: import("../../core/whatif.js").WhatIfLoader,
 *   edits: ReturnType<typeof import("./edits.js").createEdits>}} deps
 */
export function createLayers(host, { store, whatIf, edits }) {
  const own = listeners();
  const metricHead = h("th", { scope: "colgroup", colspan: 6 });
  const tops = h("tr", {}, h("td", { colspan: 7 }), metricHead, h("th", { scope: "colgroup", colspan: 7 }, "the variant’s counts"));
  const heads = COLUMNS.map(({ head, name }) => h("th", { scope: "col", class: name ? null : "frame" }, head));
  const body = h("tbody");
  const foot = h("tfoot");
  const table = h("table", { class: "layer-table" }, h("thead", {}, tops, h("tr", {}, h("th", { scope: "col" }, "Layer"), ...heads)), body, foot);
  const scroller = h("div", { class: "table-scroll tall", tabindex: "0", role: "region", "aria-label": "Layers" }, table);
  qs(".panel-body", host).replaceChildren(scroller);
  const editor = createEditor({ store, edits, columns: COLUMNS.length + 1 });

  /**
   * A row and what it says.
   * @typedef {{row: HTMLTableRowElement, cells: HTMLTableCellElement[], index: number, is?: Row, change?: LayerChange, metric?: string}} Made
   * @type {Map<string, Made>}
   */
  let made = new Map();
  let madeFor = "";
  /** @type {HTMLTableRowElement|null} */
  let marked = null;

  /** @param {WhatIf} data @param {State} state */
  const linesOf = ({ original, variant, layers }, state) =>
    variant.rows
      .map((is, i) => ({ is, was: original.rows[i], change: layers[i] }))
      .filter(({ is }) => state.layers === "all" || MAIN_KINDS.has(is.kind));

  /** @param {Line[]} lines */
  function build(lines) {
    const names = lines.map(({ is }) => is.name).join("\n");
    if (names === madeFor) return;
    editor.close();
    madeFor = names;
    made = new Map(lines.map(({ is }) => [is.name, newRow(is)]));
    body.replaceChildren(...[...made.values()].map(({ row }) => row));
  }

  /** @param {Row} is */
  function newRow({ name, index, kind }) {
    const cells = COLUMNS.map(({ name: column, wide }) => h("td", { class: wide ? "wide" : null, "data-name": column }));
    const label = editable(kind) ? h("button", { type: "button", class: "edit", "aria-expanded": "false", title: `Edit ${name}` }, name) : name;
    const row = h("tr", { "data-layer": name }, h("th", { scope: "row" }, label), ...cells);
    return { row, cells, index };
  }

  /** @param {WhatIf} data */
  function show(data) {
    const state = store.get();
    const lines = linesOf(data, state);
    build(lines);
    for (const line of lines) {
      const view = /** @type {Made} */ (made.get(line.is.name));
      const [{ is, change }, { metric }] = [line, state];
      if (view.is === is && view.change === change && view.metric === metric) continue;
      Object.assign(view, { is, change, metric });
      view.row.classList.toggle("edited", change.edited);
      COLUMNS.forEach(({ cell }, i) => write(view.cells[i], cell(line, metric)));
    }
    editor.refresh();
    setText(metricHead, METRICS[state.metric]);
    showSums(data, lines, state);
  }

  /**
   * The rows that are not shown, summed up, and the totals.
   * @param {WhatIf} data
   * @param {Line[]} lines
   * @param {State} state
   */
  function showSums({ original, variant, deltas, ratios }, lines, state) {
    const hidden = variant.rows.length - lines.length;
    const rows = [];
    if (hidden) {
      const seen = new Set(lines.map(({ is }) => is.index));
      const rest = (/** @type {Row[]} */ all, /** @type {string} */ key) =>
        String(all.filter(({ index }) => !seen.has(index)).reduce((sum, row) => sum + BigInt(row[key] ?? 0), 0n));
      rows.push(sumRow(`${number(hidden)} other ${hidden === 1 ? "layer" : "layers"}`, (part, key) => rest(part === "original" ? original.rows : variant.rows, key), state));
    }
    const total = sumRow("total", (part, key) => (part === "original" ? original : variant).totals[key], state);
    const [was, is] = [original, variant].map(({ totals }) => Number(totals[state.metric]));
    const intense = state.metric === INTENSITY;
    const [delta, share] = intense ? [fixed(is - was, 2), is / was] : [deltas[state.metric], ratios[state.metric]];
    if (delta !== undefined) write(qs('[data-name="sum-delta"]', total), { text: signed(delta), value: delta });
    if (share !== undefined && share !== null) write(qs('[data-name="sum-ratio"]', total), { text: ratio(share), value: share });
    foot.replaceChildren(...rows, total);
  }

  /**
   * @param {string} label
   * @param {(part: string, key: string) => Count} sum
   * @param {State} state
   */
  function sumRow(label, sum, { metric }) {
    const cells = COLUMNS.slice(6).map(({ name = "" }) => {
      const part = name in SUMS ? name : "variant";
      const key = name in SUMS ? metric : name;
      const summed = name in SUMS || name in METRICS || name === "fully_connected_weights";
      const none = !summed || (key === INTENSITY && label !== "total");
      const value = none ? null : sum(part, key);
      return h("td", { "data-name": `sum-${name}`, "data-value": value }, none ? "" : countText(value, key));
    });
    return h("tr", {}, h("th", { scope: "row", colspan: 7 }, label), ...cells);
  }

  /** @param {number|null} selected */
  function mark(selected) {
    const found = [...made.values()].find(({ index }) => index === selected)?.row ?? null;
    if (found === marked) return;
    marked?.classList.remove("marked");
    found?.classList.add("marked");
    marked = found;
  }

  /** @param {EventTarget|null} target */
  const rowOf = (target) => (target instanceof Element ? /** @type {HTMLElement|null} */ (target.closest("tr[data-layer]")) : null);

  own.on(body, "pointerover", ({ target }) => {
    const name = rowOf(target)?.dataset.layer;
    const index = name === undefined ? undefined : made.get(name)?.index;
    if (index !== undefined) store.update({ selected: index });
  });
  own.on(body, "pointerleave", () => store.update({ selected: null }));
  own.on(body, "focusin", ({ target }) => {
    const name = rowOf(target)?.dataset.layer;
    if (name !== undefined && made.has(name)) store.update({ selected: made.get(name)?.index ?? null });
  });
  own.on(body, "click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button.edit") : null;
    const row = button && rowOf(button);
    if (row) editor.toggle(/** @type {HTMLTableRowElement} */ (row), /** @type {HTMLButtonElement} */ (button));
  });

  const unsubscribe = store.subscribe((state, prev) => {
    if (state.selected !== prev.selected) mark(state.selected);
    const data = whatIf.get();
    if (data && (state.metric !== prev.metric || state.layers !== prev.layers)) show(data);
  });
  const off = whatIf.subscribe({ host, element: scroller, show });
  return {
    /** Brings the marked row into the table's view; the page stays where it is, for the pointer may be on the chart. */
    reveal() {
      if (!marked) return;
      const [row, frame] = [marked.getBoundingClientRect(), scroller.getBoundingClientRect()];
      const [above, below] = [row.top - frame.top - ROOM, row.bottom - frame.bottom + ROOM];
      if (above < 0) scroller.scrollTop += above;
      else if (below > 0) scroller.scrollTop += below;
    },
    destroy() {
      off();
      unsubscribe();
      own.end();
      editor.close();
    },
  };
}
