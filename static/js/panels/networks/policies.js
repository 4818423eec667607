/** Every grouping at once: what the network would cost under each, and a press to look at one. */
import { postJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { createPanelLoader, subjectOf } from "../../core/whatif.js";
import { number, ratio, si } from "../../model/format.js";
import { policyText } from "../../model/networkstate.js";

/**
 * @typedef {import("../../model/networkstate.js").FrozenNetworkState} State
 * @typedef {import("../../model/networkstate.js").PolicyKind} PolicyKind
 * @typedef {import("../../model/comparison.js").Count} Count
 * @typedef {{policy: PolicyKind, params: Count|null, macs: Count|null, ratios: Record<string, number|null>,
 *   left_alone: number|null, split: number|null, relative: number|null, reason: string|null}} Line  nulls with a reason
 */

/** Heads, and how many columns each spans. */
const HEADS = /** @type {const} */ ([["Grouping", 1], ["Params", 2], ["MACs", 2], ["Changed", 1], ["Left alone", 1], ["Off the budget", 1]]);
const CELLS = 7;
const KINDS = /** @type {PolicyKind[]} */ (["none", "uniform", "width", "logarithmic", "depthwise", "root"]);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, errors: import("../../core/errors.js").Errors}} deps
 */
export function createPolicies(host, { store, errors }) {
  const message = h("p", { class: "message", id: "policies-message", "aria-live": "polite" });
  const rows = new Map(KINDS.map((kind) => {
    const button = h("button", { type: "button", class: "edit", onclick: () => store.update({ policy: kind }) });
    const cells = Array.from({ length: CELLS }, () => h("td"));
    const reason = h("td", { class: "why" });
    return [kind, { row: h("tr", { "data-policy": kind }, h("th", { scope: "row" }, button), ...cells, reason), button, cells, reason }];
  }));
  const head = h("tr", {}, ...HEADS.map(([text, colspan]) => h("th", { scope: colspan > 1 ? "colgroup" : "col", colspan }, text)));
  const table = h("table", { class: "policy-table" }, h("thead", {}, head), h("tbody", {}, ...[...rows.values()].map(({ row }) => row)));
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Every grouping" }, table);
  qs(".panel-body", host).replaceChildren(message, scroller);

  /** @param {State} state */
  const bodyOf = ({ groups, width, base, scope, ...state }) => {
    const { network, hold, edits } = subjectOf({ groups, width, base, scope, ...state });
    return { network, hold, edits, groups, width, base, scope };
  };

  const loader = createPanelLoader({ store, errors }, "policies", (state) => JSON.stringify(bodyOf(state)), (state, signal) =>
    postJson("/api/networks/policies", bodyOf(state), { signal }),
  { last: true });

  function markChosen() {
    const { policy } = store.get();
    for (const [kind, { row, button }] of rows) {
      row.classList.toggle("marked", kind === policy);
      button.setAttribute("aria-pressed", String(kind === policy));
    }
  }

  /** @param {Line[]} lines */
  function show(lines) {
    const state = store.get();
    for (const { policy, params, macs, ratios, left_alone, split, relative, reason } of lines) {
      const view = rows.get(policy);
      if (!view) continue;
      setText(view.button, policyText({ ...state, kind: policy, scope: "spatial" }));
      const texts = [
        siText(params), ratioText(ratios.params), siText(macs), ratioText(ratios.macs),
        split === null ? "–" : number(split), left_alone ? number(left_alone) : "–", relative === null ? "–" : percent(relative),
      ];
      view.reason.textContent = reason;
      view.row.classList.toggle("impossible", reason !== null);
      const values = [params, ratios.params, macs, ratios.macs, split, left_alone, relative];
      view.cells.forEach((cell, i) => {
        setText(cell, texts[i]);
        cell.dataset.value = String(values[i]);
      });
    }
    markChosen();
  }

  const unsubscribe = store.subscribe((state, prev) => {
    if (state.policy !== prev.policy) markChosen();
  });
  const off = loader.subscribe({ host, element: scroller, show });
  loader.refresh();
  return {
    destroy() {
      off();
      unsubscribe();
      loader.destroy();
    },
  };
}

/** @param {Count|null} n */
const siText = (n) => (n === null ? "–" : si(Number(n)));

/** @param {number|null} share */
const ratioText = (share) => (share === null ? "–" : ratio(share));

/** A share with its sign: +0.0007 %. @param {number} share */
function percent(share) {
  const size = Math.abs(100 * share);
  if (size === 0) return "0 %";
  return `${share < 0 ? "−" : "+"}${size < 0.0001 ? "0.0001" : Number(size.toPrecision(2))} %`;
}
