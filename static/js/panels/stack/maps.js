/**
 * The maps of one module: of one grouping, or of two beside each other with their difference. What is on screen is
 * fetched first; then the other depths, one by one, so that a step in depth finds its maps at hand. Scale, colours and
 * order repaint what there is.
 *
 * Events on the host, all bubbling: `maps-painted` and `image-missing`, as the layer page's panel has them, and
 * `maps-ahead` when another depth is at hand, or refused.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../core/stackmaps.js").MapSide} MapSide
 * @typedef {import("../../core/stackmaps.js").Maps} Maps
 * @typedef {import("../../model/sections.js").Section} Section
 * @typedef {{side: MapSide, sections: Section[], maps: Maps}} Shown
 */
import { ApiError } from "../../core/api.js";
import { createAhead } from "../../core/ahead.js";
import { createBusy } from "../../core/busy.js";
import { h, listeners, qs, setText } from "../../core/dom.js";
import { createLatest } from "../../core/latest.js";
import { aheadOf, sidesOf } from "../../core/stackmaps.js";
import { colourTable, cssGradient } from "../../draw/colours.js";
import { rangesBeside } from "../../draw/maps.js";
import { Illegal } from "../../model/grouping.js";
import { sectionOf } from "../../model/sections.js";
import { sectionsOfModule } from "../../model/stacksections.js";
import { canonical, pictureKey, stackQuery, table } from "../../model/stackstate.js";
import { createMapGrid } from "../mapgrid.js";
import { createReadout, createStatsTable, measure, sentenceOf, titleOf } from "../mapstats.js";
import { bindFields } from "../fields.js";
import { mapNotes } from "./mapnotes.js";
import { waysOut } from "./waysout.js";

const RETRY_MS = 1000;
const PAIR_SIDE = 56; // CSS pixels of a map where three grids stand beside each other
const HINT = "Point at a map, or tab to it and use the arrow keys. Click or Enter takes its values apart.";
const TITLES = { a: "A", b: "B", difference: "A − B", ink: "ink" };
const OPENS_A = "opens A’s map"; // a difference has no values of its own to take apart

/**
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/stackstate.js").StackStore} deps.store
 * @param {any} deps.boot
 * @param {import("../../core/errors.js").Errors} deps.errors
 * @param {ReturnType<typeof import("../../core/stackmaps.js").createStackMaps>} deps.maps
 * @param {import("../../core/trained.js").Trained} deps.trained
 * @param {(side: "a"|"b", channel: number) => void} deps.inspect
 */
export function createMaps(host, { store, boot, errors, maps, trained, inspect }) {
  const body = qs(".panel-body", host);
  const own = listeners();
  const fields = bindFields({ store, errors, table, params: boot.params }, ["point", "scaling", "colours", "order"]);
  const message = h("p", { id: "maps-message", class: "message", "aria-live": "polite" });
  const readout = createReadout(HINT);
  const notes = h("div", { class: "map-notes" });
  /** @type {Shown[]} */
  let shown = [];
  const columns = /** @type {const} */ (["a", "b", "difference"]).map((side) => createColumn(side));
  const grids = h("div", { class: "map-columns" }, ...columns.map(({ element }) => element));
  const tables = /** @type {const} */ (["a", "b", "difference"]).map((side) => ({
    side, table: createStatsTable({ energy: true, groups: true, label: `Statistics of each map${side === "a" ? "" : `, ${TITLES[side]}`}` }),
  }));
  body.replaceChildren(message, grids, readout.element, notes, ...tables.map(({ table: twin }) => twin.element));
  const busy = createBusy(body);
  const latest = createLatest();
  const told = () => host.dispatchEvent(new CustomEvent("maps-ahead", { bubbles: true }));
  /** @typedef {import("../../core/stackmaps.js").Wanted & {at: State}} Next */
  const ahead = createAhead(/** @type {Parameters<typeof createAhead<Next>>[0]} */ ({
    load: ({ at, ...wanted }, signal) => maps.load(at, wanted, signal),
    came: ({ point }) => point === "output" && told(),
    refused: ({ at, ...wanted }, sentence) => {
      maps.refuse(at, wanted, sentence);
      told();
    },
  }));
  /** What the canvases show. @type {State|null} */
  let painted = null;
  let retry = 0;
  /** @type {string|null|undefined} */
  let complained;

  /** @param {MapSide} side */
  function createColumn(side) {
    const title = h("h3", { class: "map-side" }, TITLES[side]);
    const low = h("span");
    const high = h("span");
    const bar = h("i");
    const legend = h("p", { class: "map-legend" }, low, bar, high);
    const element = h("div", { class: "map-column", "data-side": side }, title, legend);
    const grid = createMapGrid(element, { onPoint, onOpen, describe }, { id: `maps-${side}`, label: `Maps of ${TITLES[side]}` });
    /** @param {number|null} channel */
    function onPoint(channel) {
      for (const other of columns) if (other.side !== side) other.grid.point(channel);
      const at = shown.find((each) => each.side === side);
      const section = at && channel !== null ? sectionOf(at.sections, channel) : undefined;
      store.update({ selected: section?.index ?? null });
      if (at && section && channel !== null) readout.show(at.maps.tiles[channel], `${state().compare ? `${TITLES[side]} · ` : ""}${titleOf(section, channel)}${side === "difference" ? ` · ${OPENS_A}` : ""}`);
      else readout.clear();
    }
    /** @param {number} channel */
    function onOpen(channel) {
      inspect(side === "b" ? "b" : "a", channel);
    }
    /** @param {number} channel */
    function describe(channel) {
      const at = shown.find((each) => each.side === side);
      const section = at && sectionOf(at.sections, channel);
      return at && section ? `${sentenceOf(section, at.maps.tiles[channel])}. ${side === "difference" ? OPENS_A[0].toUpperCase() + OPENS_A.slice(1) : "Take apart"}` : "";
    }
    return { side, element, grid, title, low, high, bar, legend };
  }

  const state = () => store.get();

  function refresh() {
    clearTimeout(retry);
    ahead.cancel();
    const now = state();
    if (!now.image) return;
    if (paint(now)) {
      latest.cancel();
      return later();
    }
    busy.begin();
    latest.submit((signal) => load(now, signal));
  }

  /**
   * @param {State} at
   * @returns {boolean} false when maps are missing
   */
  function paint(at) {
    const found = sidesOf(at).map((side) => ({ side, maps: maps.get(at, { side, module: at.module, point: at.point }) }));
    if (found.some((each) => !each.maps)) return false;
    try {
      shown = found.map((each) => ({ ...each, maps: /** @type {Maps} */ (each.maps), sections: sectionsOfModule(at, each.side, /** @type {Maps} */ (each.maps).tiles) }));
    } catch (error) {
      if (error instanceof Illegal) return false;
      throw error;
    }
    draw(at);
    painted = at;
    busy.end();
    body.classList.remove("stale");
    host.dataset.painted = canonical(at);
    settle(at);
    return true;
  }

  /** @param {State} at */
  function draw(at) {
    const pair = shown.filter(({ side }) => side !== "difference").map(({ maps: { tiles } }) => tiles);
    for (const column of columns) {
      const one = shown.find(({ side }) => side === column.side);
      column.element.hidden = !one;
      if (!one) continue;
      const colours = one.side === "difference" ? "diverging" : at.colours;
      const signed = colours === "diverging";
      const ranges = rangesBeside(one.sections, one.side === "difference" ? [one.maps.tiles] : pair, at.scaling, signed);
      column.grid.show({
        sections: one.sections, ranges, colours: colourTable(colours), flagDead: one.side !== "difference", signed,
        ...(at.compare ? { zoomSide: PAIR_SIDE } : {}),
      });
      column.title.hidden = !at.compare;
      writeLegend(column, colours, at.scaling === "shared" ? /** @type {import("../../draw/maps.js").Range} */ (ranges[0]) : null, signed);
    }
  }

  /**
   * @param {{low: HTMLElement, high: HTMLElement, bar: HTMLElement}} column
   * @param {import("../../draw/colours.js").ColourMap} colours
   * @param {import("../../draw/maps.js").Range|null} range
   * @param {boolean} signed
   */
  function writeLegend({ low, high, bar }, colours, range, signed) {
    bar.style.background = cssGradient(colours);
    setText(low, range ? measure(range[0]) : signed ? "−most" : "least");
    setText(high, range ? measure(range[1]) : signed ? "+most" : "most");
  }

  /** After the pixels: words, and the rest of the page. @param {State} at */
  function settle(at) {
    if (complained !== undefined) for (const field of [complained, "maps"]) errors.clearFieldError(field);
    complained = undefined;
    readout.clear();
    tell(at);
    for (const { side, table: twin } of tables) {
      const one = shown.find((each) => each.side === side);
      twin.element.hidden = !one;
      if (one) twin.show(one.sections);
    }
    host.dispatchEvent(new CustomEvent("maps-painted", { bubbles: true }));
  }

  /** @param {State} at */
  function tell(at) {
    if (shown.length) notes.replaceChildren(...mapNotes(at, shown, trained.of(at)).map((text) => h("p", {}, text)));
  }

  /**
   * @param {State} at
   * @param {AbortSignal} signal
   */
  async function load(at, signal) {
    try {
      await Promise.all(sidesOf(at).map((side) => maps.load(at, { side, module: at.module, point: at.point }, signal)));
      if (signal.aborted) return;
      if (paint(state())) later();
      else if (paint(at)) busy.begin();
    } catch (error) {
      if (!signal.aborted && wanted(at) === wanted(state())) complain(error, at);
    }
  }

  /** @param {State} at */
  const wanted = (at) => `${stackQuery(at, at.compare)} ${at.module} ${at.point}`;

  /** The other depths: what is at hand is looked up, and so stays the longest. */
  function later() {
    const at = state();
    maps.forgive();
    ahead.start(aheadOf(at).filter((wanted) => !maps.get(at, wanted)).map((wanted) => ({ ...wanted, at })));
  }

  /**
   * @param {unknown} error
   * @param {State} at
   */
  function complain(error, at) {
    busy.end();
    if (!(error instanceof ApiError)) throw error;
    const { status, sentence, field, passing } = error;
    body.classList.add("stale");
    if (status === 404 && field === "image") {
      complained = "image";
      host.dispatchEvent(new CustomEvent("image-missing", { bubbles: true, detail: sentence }));
      errors.showFieldError("maps", shown.length ? `These are still the maps of the last stack that could be computed. ${sentence}` : sentence);
      return;
    }
    if (passing) retry = window.setTimeout(refresh, RETRY_MS);
    const byHand = !passing && !error.refused;
    const ways = [...(byHand ? [{ label: "Try again", run: refresh }] : []), ...waysOut(at, error, store.update)];
    complained = field && document.getElementById(`${field}-message`) ? field : "maps";
    errors.showFieldError(complained, sentence, ways);
    if (complained !== "maps") errors.showFieldError("maps", shown.length ? `These are still the maps of the last stack that could be computed. ${sentence}` : sentence);
  }

  own.on(document, "image-stored", refresh);
  const unsubscribe = store.subscribe((now, prev) => {
    if (now.selected !== prev.selected) for (const { grid } of columns) grid.select(now.selected);
    if (pictureKey(now) !== pictureKey(prev)) refresh();
    else if (host.dataset.painted === canonical(prev)) host.dataset.painted = canonical(now);
  });
  const known = trained.subscribe(() => painted && tell(painted));
  refresh();

  return {
    /** The state that the canvases show, which may be an older one; null before the first. */
    painted: () => painted,

    destroy() {
      unsubscribe();
      known();
      own.end();
      latest.cancel();
      ahead.cancel();
      busy.end();
      clearTimeout(retry);
      fields.destroy();
      for (const { grid } of columns) grid.destroy();
      for (const { table: twin } of tables) twin.destroy();
      body.replaceChildren();
    },
  };
}
