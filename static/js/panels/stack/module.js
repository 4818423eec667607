/**
 * The module that is looked at: a drawing of it, the depth control, what it sees, and where its energy comes from.
 *
 * @typedef {{module?: number, identity?: number|null, conv?: number|null, cross?: number|null, sum?: number|null,
 *   output: number|null, zeros: number, dead: number}} Energy
 * @typedef {import("../../model/stackstate.js").StackState["normalisation"]} Normalisation
 * @typedef {{stem: Energy, modules: Energy[], normalisation: Normalisation}} Energies
 */
import { getJson } from "../../core/api.js";
import { h, qs, setText } from "../../core/dom.js";
import { createPanelLoader } from "../../core/panelloader.js";
import { counted, fixed, number } from "../../model/format.js";
import { sightSentence } from "../../model/pixel.js";
import { canonical, numbersQuery, sideLength, sideOf, sideQuery, table } from "../../model/stackstate.js";
import { notesBeside } from "../../model/stackwords.js";
import { bindFields } from "../fields.js";
import { measure } from "../mapstats.js";
import { drawModule } from "./diagram.js";
import { waysOut } from "./waysout.js";

/** Where a normalisation stands, energies are of what it gives, or of what it gets. @param {Normalisation} normalisation */
const partsOf = (normalisation) => /** @type {const} */ ([
  ["identity", "identity"], ["conv", normalisation === "conv" ? "convolution, normalised" : "convolution"], ["cross", "cross term"],
]);
/** @param {Normalisation} normalisation */
const sumOf = (normalisation) => (normalisation === "sum" ? "sum before its normalisation" : "sum");

/**
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/stackstate.js").StackStore} deps.store
 * @param {any} deps.boot
 * @param {import("../../core/errors.js").Errors} deps.errors
 * @param {import("../../core/stacknumbers.js").NumbersLoader} deps.numbers
 */
export function createModule(host, { store, boot, errors, numbers }) {
  const body = qs(".panel-body", host);
  const fields = bindFields({ store, errors, table, params: boot.params }, ["module", "side"], { module: "depth_module" });
  const slider = /** @type {HTMLInputElement} */ (qs("#depth_module", host));
  const title = qs("h2", host);
  const drawing = h("div", { class: "diagram-frame", tabindex: "0", role: "group", "aria-label": "Drawing of the module" });
  const facts = h("p", { class: "module-facts" });
  const notes = h("div", { class: "module-notes" });
  const energy = h("div", { class: "energy", role: "group", "aria-label": "Energy of the module" });
  const energyTable = createEnergyTable();
  const message = h("p", { id: "module-message", class: "message", "aria-live": "polite" });
  body.replaceChildren(drawing, facts, notes, energy, message, energyTable.element);
  let drawn = "";

  const off = numbers.subscribe({
    host, element: facts,
    show({ a, b }) {
      const state = store.get();
      const data = sideOf(state) === "b" && b ? b : a;
      const key = `${numbersQuery(state, sideOf(state))} ${state.module}`;
      if (key !== drawn) {
        drawn = key;
        try {
          drawing.replaceChildren(drawModule(state, sideOf(state), data.order));
        } catch (error) {
          drawn = "";
          throw error;
        }
      }
      slider.max = String(state.modules);
      setText(title, state.module === 0 ? "The stem" : `Module ${state.module} of ${state.modules}`);
      slider.setAttribute("aria-valuetext", state.module === 0 ? "the stem" : `module ${state.module} of ${state.modules}`);
      const row = state.module === 0 ? null : data.modules[state.module - 1];
      const side = number(sideLength(state, state.module));
      setText(facts, row
        ? `${side} × ${side} pixels${row.downsampled ? ", halved just before" : ""}${row.rotation ? `; groups moved by ${counted(row.rotation, "channel")}` : ""}. ${sightSentence(row.receptive_field, state)} Of all pairs (channel of the stem, channel here) ${fixed(100 * row.share, 1)}\u202f% are connected.`
        : `${side} × ${side} pixels, one map a channel: 3 × 3 filters over red, green and blue, never cut.`);
      notes.replaceChildren(...notesBeside(a.notes, b && b.notes).map((note) => h("p", { class: "convention" }, note)));
    },
  });
  const offMoves = store.subscribe((state, prev) => {
    if (canonical(state) !== canonical(prev) && numbers.current()) numbers.refresh();
  });

  const loader = createPanelLoader({ store, errors, canonical }, "module", (state) => sideQuery(state, sideOf(state)),
    async (state, signal) => ({ ...await getJson(`/api/stack/energy?${sideQuery(state, sideOf(state))}`, { signal }), normalisation: state.normalisation }),
    { after: "maps", exits: (error) => waysOut(store.get(), error, store.update) });
  /** @type {Energies|null} */
  let energies = null;
  const offEnergy = loader.subscribe({
    host: energy, element: energy,
    show(data) {
      energies = data;
      write();
    },
  });
  const offModule = store.subscribe((state, prev) => {
    if (state.module !== prev.module || state.modules !== prev.modules) write();
  });
  loader.refresh();

  /** Where the sum comes from: three numbers that add up, or the two that there are. */
  function write() {
    if (!energies) return;
    const { module } = store.get();
    const { normalisation } = energies;
    const row = module === 0 ? energies.stem : energies.modules[module - 1];
    if (!row) return;
    energyTable.show(energies);
    const dead = row.dead ? ` ${counted(row.dead, "map")} of it dead.` : "";
    const leaving = `What leaves: ${text(row.output)}, ${fixed(100 * row.zeros, 1)}\u202f% zeros.${dead}`;
    if (row.identity === null || row.identity === undefined) {
      const conv = row.conv === undefined ? "" : `Energy of the convolution’s answer${{ none: "", conv: ", normalised", sum: " before its normalisation" }[normalisation]} (mean square): ${text(row.conv)}. `;
      return energy.replaceChildren(h("p", {}, conv + leaving));
    }
    const parts = partsOf(normalisation).map(([key, name]) => /** @type {const} */ ([key, name, row[key] ?? 0]));
    const most = parts.reduce((sum, [, , value]) => sum + Math.abs(value), 0) || 1;
    const bar = h("div", { class: "energy-bar", "aria-hidden": "true" }, ...parts.map(([key, , value]) => {
      const piece = h("i", { class: `energy-${key}${value < 0 ? " negative" : ""}` });
      piece.style.flexGrow = String(Math.abs(value) / most);
      return piece;
    }));
    const terms = parts.flatMap(([key, name, value], i) => [
      i ? (value < 0 ? " − " : " + ") : "",
      h("span", { class: `energy-term energy-${key}` }, `${name} `, h("b", { "data-name": key, "data-value": value }, text(i ? Math.abs(value) : value))),
    ]);
    energy.replaceChildren(h("p", {}, `Energy of the ${sumOf(normalisation)} (mean square): `, ...terms, " = ", h("b", { "data-name": "sum", "data-value": row.sum ?? "" }, text(row.sum))), bar,
      h("p", { class: "energy-leaves" }, leaving));
  }

  return {
    destroy() {
      off();
      offMoves();
      offEnergy();
      offModule();
      loader.destroy();
      fields.destroy();
      body.replaceChildren();
    },
  };
}

/** @param {number|null|undefined} value */
const text = (value) => (value === null || value === undefined ? "past any number" : measure(value));

/** The same for all depths, for reading and for those who cannot see the bar. */
function createEnergyTable() {
  const rows = h("tbody");
  const head = h("tr");
  /** @param {Normalisation} normalisation */
  const columns = (normalisation) => ["module", ...partsOf(normalisation).map(([, name]) => name), sumOf(normalisation), "what leaves", "zeros", "dead maps"];
  const name = "Energy of every module";
  const scroller = h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": name }, h("table", { id: "energy-table" }, h("thead", {}, head), rows));
  /** @param {string} title @param {Energy} row */
  const rowOf = (title, row) => h("tr", {}, h("th", { scope: "row" }, title),
    ...[row.identity, row.conv, row.cross, row.sum].map((value) => h("td", {}, value === undefined || (value === null && row.conv !== null) ? "–" : text(value))),
    h("td", {}, text(row.output)), h("td", {}, `${fixed(100 * row.zeros, 1)}\u202f%`), h("td", {}, number(row.dead)));
  return {
    element: h("details", { class: "map-twin" }, h("summary", {}, `${name}, as a table`), scroller),
    /** @param {Energies} data */
    show({ stem, modules, normalisation }) {
      head.replaceChildren(...columns(normalisation).map((each) => h("th", { scope: "col" }, each)));
      rows.replaceChildren(rowOf("stem", stem), ...modules.map((row) => rowOf(String(row.module), row)));
    },
  };
}
