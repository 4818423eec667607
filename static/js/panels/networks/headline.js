/** The sentence of numbers: which network, what is done to it, and what it costs against the original. */
import { qs, setText } from "../../core/dom.js";
import { UNITS, ratio, siParts } from "../../model/format.js";
import { changesText, policyOf } from "../../model/networkstate.js";
import { figure } from "../figure.js";

/**
 * @typedef {import("../../core/whatif.js").WhatIf} WhatIf
 * @param {HTMLElement} host
 * @param {{store: import("../../model/networkstate.js").NetworkStore, whatIf: import("../../core/whatif.js").WhatIfLoader}} deps
 */
export function createHeadline(host, { store, whatIf }) {
  const title = qs("h2", host);
  const cells = { params: figure("params", "of the original"), macs: figure("macs", "of the original") };
  qs(".panel-body", host).replaceChildren(cells.params.element, cells.macs.element);

  /** @param {WhatIf} data */
  function show({ original, variant, ratios }) {
    const state = store.get();
    const changes = changesText({ ...state, policy: policyOf(state) });
    setText(title, changes ? `${original.name}, ${changes}` : original.name);
    for (const key of /** @type {const} */ (["params", "macs"])) {
      const [text, prefix] = siParts(Number(variant.totals[key]));
      const cell = cells[key];
      cell.write(variant.totals[key], text, `${prefix} ${UNITS[key]}`.trimStart(), ratios[key], ratio(ratios[key] ?? 1));
    }
  }

  return { destroy: whatIf.subscribe({ host, element: qs(".panel-body", host), show }) };
}
