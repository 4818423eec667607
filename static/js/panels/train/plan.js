/**
 * What would be trained: each network's width, groups and cost beside the standard one, on which images; and the bar
 * that starts it.
 *
 * @typedef {import("../../core/training.js").PlannedArm} PlannedArm
 * @typedef {import("../../core/training.js").DataFacts} DataFacts
 * @typedef {object} Plan
 * @property {PlannedArm[]} arms
 * @property {PlannedArm} reference
 * @property {"params"|"macs"|"channels"} hold
 * @property {number} steps  of each arm and seed
 * @property {number} steps_per_epoch
 * @property {number} epochs
 * @property {number} seeds
 * @property {number} total_steps
 * @property {number} estimate_seconds
 * @property {number} limit_seconds
 * @property {boolean} allowed
 * @property {number} waiting
 * @property {DataFacts} data
 * @property {boolean} own  whether there are other images to train on
 * @property {string} conventions
 * @typedef {ReturnType<typeof import("../../core/loader.js").createLoader<import("../../model/trainstate.js").TrainState, Plan>>} PlanLoader
 */
import { h, qs, setText } from "../../core/dom.js";
import { counted, number, ratio, si } from "../../model/format.js";
import { HELD, sentenced, sizesText } from "../../model/trainwords.js";
import { headOf } from "../stack/twin.js";

/** @param {DataFacts} data */
export function dataText({ name, train, test, classes, channels, side }) {
  const [height, width] = Array.isArray(side) ? side : [side, side];
  return `${name}: ${number(train)} images to train on, ${number(test)} held out, ${counted(classes.length, "class").replace("classs", "classes")}, ${height}\u202f×\u202f${width}, ${channels === 1 ? "grey" : "in colour"}.`;
}

/**
 * @param {HTMLElement} host
 * @param {{plans: PlanLoader, head: HTMLElement}} deps  head: the run bar
 */
export function createPlan(host, { plans, head }) {
  const table = h("table", { class: "plan-table" });
  const [steps, data, credit, conventions] = ["plan-steps", "plan-data", "plan-credit", "plan-conventions"].map((name) => h("p", { class: `convention ${name}` }));
  const full = h("div", { class: "plan-full", hidden: true }, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Networks that would be trained" }, table),
    steps, data, credit, conventions);
  qs(".panel-body", host).replaceChildren(head, full);

  /** @param {PlannedArm} arm @param {string} name */
  const line = (arm, name) => h("tr", { "data-arm": arm.arm },
    h("th", { scope: "row" }, h("i", { class: `series-mark ${arm.arm}`, "aria-hidden": "true" }), name),
    h("td", { "data-name": "channels", "data-value": arm.channels }, number(arm.channels)),
    h("td", { class: "words sizes" }, sizesText(arm.sizes)),
    h("td", { "data-name": "params", "data-value": arm.params }, number(arm.params)), h("td", { "data-name": "params_ratio", "data-value": arm.params_ratio }, ratio(arm.params_ratio)),
    h("td", { "data-name": "macs", "data-value": arm.macs }, si(arm.macs)), h("td", { "data-name": "macs_ratio", "data-value": arm.macs_ratio }, ratio(arm.macs_ratio)));

  /** @param {Plan} plan */
  function show(plan) {
    full.hidden = false;
    const { arms, reference, hold } = plan;
    const outside = arms.some(({ arm, channels }) => arm === "standard" && channels === reference.channels) ? [] : [line(reference, "for reference: standard")];
    table.replaceChildren(headOf(["Network", "channels", "groups, in × out", "params", "to standard", "MACs an image", "to standard"]),
      h("tbody", {}, ...arms.map((arm) => line(arm, sentenced(arm.label))), ...outside));
    setText(steps, `At ${HELD[hold]}. ${number(plan.steps)} steps each (${counted(plan.epochs, "epoch")} of ${number(plan.steps_per_epoch)}), ${counted(plan.seeds, "seed")}: ${number(plan.total_steps)} steps in all.`);
    setText(data, dataText(plan.data));
    setText(credit, [plan.data.credit, plan.data.note].filter(Boolean).join(". "));
    setText(conventions, plan.conventions);
  }

  return { destroy: plans.subscribe({ host, element: full, show }) };
}
