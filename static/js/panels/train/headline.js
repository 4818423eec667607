/** The sentence of numbers: which networks would be trained, and what is held equal between them. */
import { h, qs, setText } from "../../core/dom.js";
import { counted, ratio } from "../../model/format.js";
import { HELD, listed } from "../../model/trainwords.js";
import { figure } from "../figure.js";

/** @param {string} label @param {boolean} first */
export const sentenced = (label, first = true) => (first ? label[0].toUpperCase() + label.slice(1) : label[0].toLowerCase() + label.slice(1));

/** @param {import("./plan.js").Plan} plan */
export const titleOf = ({ arms, hold }) => `${sentenced(listed(arms.map(({ label }) => sentenced(label, false))))}, at ${HELD[hold]}`;

/**
 * @param {HTMLElement} host
 * @param {{plans: import("./plan.js").PlanLoader}} deps
 */
export function createHeadline(host, { plans }) {
  const title = qs("h2", host);
  const body = qs(".panel-body", host);

  /** Beside the channels stands what is not held equal. @param {import("./plan.js").Plan} plan */
  function show(plan) {
    setText(title, titleOf(plan));
    const counted_ = plan.hold === "params" ? "macs" : "params";
    body.replaceChildren(...plan.arms.map((arm) => {
      const cell = figure(`channels-${arm.arm}`, counted_ === "macs" ? "MACs" : "params");
      const factor = arm[`${counted_}_ratio`];
      cell.write(arm.channels, String(arm.channels), `ch., ${sentenced(arm.label, false)}`, factor, ratio(factor));
      cell.element.title = `${sentenced(arm.label)}: ${counted(arm.channels, "channel")}, ${arm.sizes}`;
      cell.element.dataset.arm = arm.arm;
      return cell.element;
    }));
  }

  return { destroy: plans.subscribe({ host, element: h("div"), show }) };
}
