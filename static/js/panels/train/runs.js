/** Runs that train, wait or are kept: opened, laid beside the one on screen, resumed, taken away, deleted, looked through. */
import { getJson, postForText, remove, sentenceOf } from "../../core/api.js";
import { h, qs } from "../../core/dom.js";
import { withLink } from "../../core/errors.js";
import { duration, moment } from "../../model/measurewords.js";
import { STATES, isActive, percent, sentenced } from "../../model/trainwords.js";
import { headOf } from "../stack/twin.js";

const POLL_MS = 2000;
const MOST = 100;

/**
 * @typedef {{id: string, created: string, state: string, label: string, query: string, summary: string, done: number, total: number, seconds_left: number|null}} Entry
 * @typedef {{id: string, query?: string, layer_query?: string}} Checkpoint
 */

/**
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/trainstate.js").TrainStore} deps.store
 * @param {import("../../core/training.js").Training} deps.training
 * @param {(runs: Entry[]) => void} deps.listed
 * @param {(entry: Entry) => void} deps.open  brings it to the screen, its networks into the controls
 */
export function createRuns(host, { store, training, listed, open }) {
  const message = h("p", { class: "message", id: "runs-message", "aria-live": "polite" });
  const table = h("table", { class: "results-table runs-table" });
  const none = h("p", { class: "blank" }, "Nothing yet.");
  const all = h("p", { class: "files", hidden: true }, h("a", { href: "/api/trainings/export", download: "trainings.json", class: "file" }, "All of it as JSON"));
  const through = h("div", { class: "through", hidden: true });
  qs(".panel-body", host).replaceChildren(message, none,
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table of kept runs" }, table), all, through);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {Entry[]} */
  let entries = [];
  /** Each asking takes the place of those before it. */
  let asked = 0;
  let ended = false;

  /** @param {Error} error */
  const fail = (error) => message.replaceChildren(...withLink(sentenceOf(error)));

  /** @param {Entry} entry */
  function stateText({ state, done, total, seconds_left: left }) {
    if (state !== "running" && state !== "paused") return STATES[state] ?? state;
    return `${STATES[state]}, ${percent(total ? done / total : 0)}${state === "running" && left !== null ? `, ${duration(left)} left` : ""}`;
  }

  /** @param {Entry} entry */
  function line(entry) {
    const { id, created, state, label, query, summary } = entry;
    const { run, compare } = store.get();
    const here = id === run;
    const link = h("a", { href: `/train?${query}&run=${id}`, ...(here ? { "aria-current": "true" } : {}), onclick: (/** @type {MouseEvent} */ event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      open(entry);
    } }, sentenced(label));
    /** @param {string} text @param {() => void} act @param {boolean} [pressed] */
    const button = (text, act, pressed) => h("button", { type: "button", class: "remove", "data-act": text.toLowerCase(), "aria-label": `${text}: ${label}, ${moment(created)}`, ...(pressed === undefined ? {} : { "aria-pressed": String(pressed) }), onclick: act }, text);
    return h("tr", { "data-id": id, "data-state": state, ...(here ? { class: "here" } : {}) },
      h("td", { class: "words" }, moment(created)), h("td", { class: "words" }, stateText(entry)), h("td", { class: "words run-label" }, link, here ? h("span", { class: "aside-word" }, " on screen") : null),
      h("td", { class: "words summary" }, summary ?? ""),
      h("td", { class: "words" }, h("a", { href: `/api/trainings/${id}/csv`, download: true, "aria-label": `CSV of ${label}` }, "CSV"), " ",
        h("a", { href: `/api/trainings/${id}`, download: `training-${id.slice(0, 8)}.json`, "aria-label": `JSON of ${label}` }, "JSON")),
      h("td", { class: "words" }, h("span", { class: "run-acts" },
        state === "done" && !here ? button("Compare", () => store.update({ compare: compare === id ? "" : id }), compare === id) : null,
        state === "cancelled" || state === "failed" || state === "paused" ? button("Resume", () => void act(() => resume(entry))) : null,
        state === "queued" || state === "running" ? button("Cancel", () => void act(() => cancel(id))) : button("Delete", () => void act(() => erase(id))))));
  }

  /** @param {() => Promise<void>} what */
  async function act(what) {
    try {
      await what();
      message.replaceChildren();
    } catch (error) {
      return fail(/** @type {Error} */ (error));
    }
    await refresh();
  }

  /** @param {Entry} entry */
  async function resume(entry) {
    await postForText(`/api/trainings/${entry.id}/resume`, undefined);
    if (entry.id === store.get().run) await training.look();
    else open(entry);
  }

  /** @param {string} id */
  async function cancel(id) {
    await postForText(`/api/trainings/${id}/cancel`, undefined);
  }

  /** @param {string} id */
  async function erase(id) {
    await remove(`/api/trainings/${id}`);
    const { run, compare } = store.get();
    if (id === run) store.update({ run: "" });
    if (id === compare) store.update({ compare: "" });
  }

  function draw() {
    none.hidden = entries.length > 0;
    all.hidden = entries.length === 0;
    const focused = document.activeElement instanceof HTMLElement && table.contains(document.activeElement) ? keyOf(document.activeElement) : null;
    table.replaceChildren(...(entries.length ? [headOf(["Begun", "state", "run", "result", "files", "do"])] : []), h("tbody", {}, ...entries.map(line)));
    if (focused) /** @type {HTMLElement|null} */ (table.querySelector(focused))?.focus();
  }

  async function refresh() {
    const mine = (asked += 1);
    clearTimeout(timer);
    try {
      const { trainings } = await getJson(`/api/trainings?limit=${MOST}`);
      if (mine !== asked || ended) return;
      entries = trainings;
      draw();
      listed(entries);
    } catch (error) {
      fail(/** @type {Error} */ (error));
    }
    if (mine !== asked || ended) return;
    if (entries.some(({ state }) => isActive(state))) timer = setTimeout(() => void refresh(), POLL_MS);
    host.dataset.shown = String(Number(host.dataset.shown ?? 0) + 1);
  }

  /** Every network of the run on screen that is finished. */
  let linked = "";
  async function showThrough() {
    const { record, id } = training.get();
    const finished = (record?.arms ?? []).flatMap(({ arm, label, seeds }) => seeds.filter(({ checkpoint }) => checkpoint).map((seed) => ({ arm, label, ...seed })));
    through.hidden = finished.length === 0;
    const key = finished.map(({ checkpoint }) => checkpoint).join(" ");
    if (key === linked) return;
    linked = key;
    if (!finished.length) return;
    /** @type {Map<string, Checkpoint>} */
    let known = new Map();
    try {
      const { checkpoints } = await getJson("/api/checkpoints");
      known = new Map(checkpoints.map((/** @type {Checkpoint} */ each) => [each.id, each]));
    } catch (error) {
      fail(/** @type {Error} */ (error));
    }
    if (linked !== key || training.get().id !== id) return;
    through.replaceChildren(h("h3", {}, "Look through a trained network"), h("p", { class: "convention" }, "Your photograph, seen by these filters."),
      h("ul", { class: "through-list" }, ...finished.map(({ arm, label, seed, accuracy, checkpoint }) => {
        const found = known.get(/** @type {string} */ (checkpoint));
        const plain = `weights=trained&checkpoint=${checkpoint}`;
        const name = `${sentenced(label)}, seed ${seed}`;
        return h("li", { "data-arm": arm, "data-seed": seed }, h("i", { class: `series-mark ${arm}`, "aria-hidden": "true" }), `${name}, ${percent(accuracy)}: look through it as `,
          h("a", { href: `/?${found?.layer_query ?? plain}`, "aria-label": `Look through ${name} as one layer` }, "one layer"), " or as ",
          h("a", { href: `/stack?${found?.query ?? plain}`, "aria-label": `Look through ${name} as a stack` }, "a stack"));
      })));
  }

  const offs = [
    training.subscribe(() => void showThrough()),
    store.subscribe((next, prev) => {
      if (next.run === prev.run && next.compare === prev.compare) return;
      draw();
      listed(entries);
    }),
  ];
  return {
    refresh,
    /** @returns {readonly Entry[]} */
    get: () => entries,
    destroy() {
      ended = true;
      clearTimeout(timer);
      for (const off of offs) off();
    },
  };
}

/** A way back to a control of a row that is drawn anew. @param {HTMLElement} element */
function keyOf(element) {
  const row = element.closest("tr")?.dataset.id;
  const what = element.dataset.act ? `[data-act="${element.dataset.act}"]` : element.tagName === "A" ? `a[href="${element.getAttribute("href")}"]` : null;
  return row && what ? `tr[data-id="${row}"] ${what}` : null;
}
