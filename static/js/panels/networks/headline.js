/** The sentence of numbers: which network, what is done to it, and what it costs against the original. */
import { qs, setText } from "../../core/dom.js";
import { UNITS, fixed, ratio, siParts } from "../../model/format.js";
import { changesText, policyOf } from "../../model/networkstate.js";
import { figure } from "../figure.js";

const MISSED = 0.01; // a budget further off than that is said to be

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
  function show({ original, variant, ratios, hold }) {
    const state = store.get();
    const changes = changesText({ ...state, policy: policyOf(state) });
    const off = Math.abs(hold?.relative ?? 0);
    const missed = off > MISSED ? ` but for ${fixed(100 * off, 1)} %` : "";
    setText(title, changes ? `${original.name}, ${changes}${missed}` : original.name);
    for (const key of /** @type {const} */ (["params", "macs"])) {
      const [text, prefix] = siParts(Number(variant.totals[key]));
      const cell = cells[key];
      cell.write(variant.totals[key], text, `${prefix} ${UNITS[key]}`.trimStart(), ratios[key], ratio(ratios[key] ?? 1));
    }
  }

  return { destroy: whatIf.subscribe({ host, element: qs(".panel-body", host), show }) };
}
