/** What runs, what waits, and what was measured before: listed, opened, taken away, deleted. */
import { getJson, remove as forget, sentenceOf } from "../../core/api.js";
import { h, qs } from "../../core/dom.js";
import { withLink } from "../../core/errors.js";
import { moment } from "../../model/measurewords.js";
import { headOf } from "../stack/twin.js";

const POLL_MS = 2000;
const MOST = 100;

/** @type {Record<string, string>} */
const KINDS = { layer: "latency", waterfall: "where it went", sweep: "sweep", parallel: "in parallel", network: "network", ceilings: "ceilings" };

/**
 * @param {HTMLElement} host
 * @param {{deleted: () => void}} deps  deleted: something that may be on screen is gone
 */
export function createResults(host, { deleted }) {
  const message = h("p", { class: "message", id: "results-message", "aria-live": "polite" });
  const queue = h("ol", { class: "queue", id: "queue", "aria-label": "Measurements that run and wait" });
  const table = h("table", { class: "results-table" });
  const none = h("p", { class: "blank" }, "Nothing yet.");
  const all = h("p", { class: "files", hidden: true }, h("a", { href: "/api/measurements/export", download: "measurements.json", class: "file" }, "All of it as JSON"));
  qs(".panel-body", host).replaceChildren(message, queue, none,
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Kept measurements" }, table), all);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;

  /** @param {Error} error */
  const fail = (error) => message.replaceChildren(...withLink(sentenceOf(error)));

  async function showQueue() {
    clearTimeout(timer);
    const { running, waiting } = await getJson("/api/measurements/queue");
    const lines = [...(running ? [["runs now", running]] : []), ...waiting.map((/** @type {any} */ entry) => ["waits", entry])];
    queue.replaceChildren(...lines.map(([what, { label, kind }]) => h("li", {}, `${label}: ${KINDS[kind] ?? kind}, ${what}`)));
    if (lines.length) timer = setTimeout(() => void refresh(), POLL_MS);
  }

  async function showKept() {
    const { measurements } = await getJson(`/api/measurements?limit=${MOST}`);
    none.hidden = measurements.length > 0;
    all.hidden = measurements.length === 0;
    table.replaceChildren(...(measurements.length ? [headOf(["When", "what", "layer", "result", "file", "delete"])] : []), h("tbody", {}, ...measurements.map(line)));
  }

  /** @param {import("../../core/measurement.js").Entry} entry */
  function line({ id, created, kind, label, summary, query }) {
    const open = query ? h("a", { href: `/measure?${query}` }, label) : label;
    return h("tr", { "data-id": id }, h("td", { class: "words" }, moment(created)), h("td", { class: "words" }, KINDS[kind] ?? kind),
      h("td", { class: "words" }, open), h("td", { class: "words summary" }, summary),
      h("td", {}, h("a", { href: `/api/measurements/${id}/csv`, download: true, "aria-label": `CSV of ${label}` }, "CSV")),
      h("td", {}, h("button", { type: "button", class: "remove", "aria-label": `Delete ${label}`, onclick: () => void remove(id) }, "Delete")));
  }

  /** @param {string} id */
  async function remove(id) {
    try {
      await forget(`/api/measurements/${id}`);
      deleted();
    } catch (error) {
      fail(/** @type {Error} */ (error));
    }
    await refresh();
  }

  async function refresh() {
    try {
      await Promise.all([showQueue(), showKept()]);
      message.replaceChildren();
    } catch (error) {
      fail(/** @type {Error} */ (error));
    }
    host.dataset.shown = String(Number(host.dataset.shown ?? 0) + 1);
  }

  return { refresh, destroy: () => clearTimeout(timer) };
}
