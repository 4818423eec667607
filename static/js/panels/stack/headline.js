/** The sentence of numbers: which stack, what it costs against one without groups, how far its channels are connected. */
import { h, qs, setText } from "../../core/dom.js";
import { UNITS, counted, fixed, ratio, siParts } from "../../model/format.js";
import { splitName } from "../../model/stackwords.js";
import { figure } from "../figure.js";

/**
 * @typedef {import("../../core/stacknumbers.js").Numbers} Numbers
 */

/** One side's cells. @param {"a"|"b"} side */
function createRow(side) {
  const against = "of one group";
  const cells = { params: figure(`${side}-params`, against), macs: figure(`${side}-macs`, against) };
  const share = h("span", { class: "figure-value", "data-name": `${side}-share` });
  const after = h("span", { class: "figure-against" });
  const unit = h("span", { class: "figure-unit" }, h("span", { class: "figure-against" }, "of channel pairs "), "connected", after);
  const element = h("div", { class: "figures", id: `figures-${side}` }, h("span", { class: "side-name only-pair" }, side.toUpperCase()),
    cells.params.element, cells.macs.element,
    h("p", { class: "figure" }, h("span", {}, share, " ", unit)));
  return {
    element,
    /** @param {Numbers} data */
    show(data) {
      for (const key of /** @type {const} */ (["params", "macs"])) {
        const [text, prefix] = siParts(data[key]);
        cells[key].write(data[key], text, `${prefix} ${UNITS[key]}`.trimStart(), data.ratios[key], ratio(data.ratios[key]));
      }
      const last = data.modules[data.modules.length - 1];
      setText(share, `${fixed(100 * last.share, 1)}\u202f%`);
      share.dataset.value = String(last.share);
      setText(after, ` after module ${last.module}`);
    },
  };
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/stackstate.js").StackStore, numbers: import("../../core/stacknumbers.js").NumbersLoader}} deps
 */
export function createHeadline(host, { store, numbers }) {
  const title = qs("h2", host);
  const rows = { a: createRow("a"), b: createRow("b") };
  const body = qs(".panel-body", host);
  body.replaceChildren(rows.a.element, rows.b.element);

  /** @param {import("../../core/stacknumbers.js").StackNumbers} data */
  function show({ a, b }) {
    const state = store.get();
    const kind = state.residual ? "residual module" : "module";
    const splits = b ? `${splitName(state, "a")} beside ${splitName(state, "b")}` : splitName(state, "a");
    setText(title, `${counted(state.modules, kind)} of ${counted(state.in_channels, "channel")}, ${state.kernel_size.join("\u202f×\u202f")}, ${splits}`);
    rows.a.show(a);
    rows.b.element.hidden = !b;
    if (b) rows.b.show(b);
  }

  return { destroy: numbers.subscribe({ host, element: body, show }) };
}
