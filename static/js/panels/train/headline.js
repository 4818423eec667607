/** The sentence of numbers: which networks would be trained, and what is held equal between them. */
import { h, qs, setText } from "../../core/dom.js";
import { counted, ratio } from "../../model/format.js";
import { HELD, listed, sentenced, sizesText } from "../../model/trainwords.js";
import { figure } from "../figure.js";

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
    const other = plan.hold === "params" ? "macs" : "params";
    body.replaceChildren(...plan.arms.map((arm) => {
      const cell = figure(`channels-${arm.arm}`, other === "macs" ? "MACs" : "params");
      const factor = arm[`${other}_ratio`];
      cell.write(arm.channels, String(arm.channels), `ch., ${sentenced(arm.label, false)}`, factor, ratio(factor));
      cell.element.title = `${sentenced(arm.label)}: ${counted(arm.channels, "channel")}, ${sizesText(arm.sizes)}`;
      cell.element.dataset.arm = arm.arm;
      return cell.element;
    }));
  }

  return { destroy: plans.subscribe({ host, element: h("div"), show }) };
}
