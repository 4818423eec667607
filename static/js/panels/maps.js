/**
 * Feature maps: asks the server for the channels that changed, paints them by group, and says what is shown.
 * The old maps stay until the new ones are there; the last change wins.
 *
 * Events on the host, all bubbling: `maps-painted` (a state is on the canvases) and `image-missing` (the server does
 * not know the picture, `detail` says so); `image-stored` on the document asks again.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../core/store.js").Store} Store
 * @typedef {import("../model/grouping.js").Span} Span
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {{state: State, groups: Span[], keys: string[], side: number}} Plan
 */
import { ApiError, getBytes } from "../core/api.js";
import { createBusy } from "../core/busy.js";
import { h, listeners, qs } from "../core/dom.js";
import { createLatest } from "../core/latest.js";
import { canonical, mapsQuery } from "../core/url.js";
import { rangesOf, tileSide } from "../draw/maps.js";
import { Illegal, splitChannels } from "../model/grouping.js";
import { sectionOf, sectionsOf } from "../model/sections.js";
import { createTileCache, missingRange, readTiles, tileKeys } from "../model/tiles.js";
import { createLightbox } from "./lightbox.js";
import { createMapGrid } from "./mapgrid.js";
import { createMapNotes } from "./mapnotes.js";
import { createReadout, createStatsTable, sentenceOf, titleOf } from "./mapstats.js";

const OLD_MAPS = "These are still the maps of the last layer that could be computed.";
const CACHE_BYTES = 64 << 20;
const RETRY_MS = 1000; // then twice as long each time
const MOST_RETRY_MS = 10_000;
const HINT = "Point at a map, or tab to it and use the arrow keys, for its statistics. Click or Enter enlarges.";

/**
 * What the state asks for; null where there is nothing to ask: no picture yet, or no such layer.
 * @param {State} state
 * @returns {Plan|null}
 */
function planOf(state) {
  if (!state.image) return null;
  try {
    const { groups } = splitChannels(state);
    const side = tileSide(state.out_channels, devicePixelRatio);
    return { state, groups, side, keys: tileKeys(state, groups, side) };
  } catch (error) {
    if (error instanceof Illegal) return null;
    throw error;
  }
}

/** @param {Store} store */
function createScalingSelect(store) {
  const options = [["map", "each map"], ["group", "each group"], ["shared", "all maps"]];
  const select = h("select", { id: "scaling", "aria-describedby": "scaling-help" },
    ...options.map(([value, text]) => h("option", { value }, text)));
  select.addEventListener("change", () => store.update({ scaling: /** @type {State["scaling"]} */ (select.value) }));
  const help = h("span", { class: "help", id: "scaling-help" },
    "What black and white stand for: the smallest and largest value of each map, of its group, or of all maps.");
  const label = h("label", { for: "scaling" }, "Black to white over");
  return { select, element: h("div", { class: "field pick map-scaling" }, label, select, help) };
}

/**
 * @param {HTMLElement} host
 * @param {{store: Store, errors: import("../core/errors.js").Errors, trained: import("../core/trained.js").Trained}} deps
 */
export function createMapsPanel(host, { store, errors, trained }) {
  const body = qs(".panel-body", host);
  const scaling = createScalingSelect(store);
  const message = h("p", { id: "maps-message", class: "message", "aria-live": "polite" });
  body.append(scaling.element, message);
  const dialog = /** @type {HTMLDialogElement} */ (qs("#lightbox"));
  const lightbox = createLightbox(dialog, { store, onClose: (channel) => grid.focus(channel) });
  const grid = createMapGrid(body, { onPoint, onOpen: lightbox.open, describe });
  const readout = createReadout(HINT);
  const notes = createMapNotes();
  const table = createStatsTable();
  body.append(readout.element, notes.element, table.element);

  const own = listeners();
  const latest = createLatest();
  const cache = createTileCache(CACHE_BYTES);
  /** @type {{groups: Span[], tiles: Tile[], sections: import("../model/sections.js").Section[]}|null} */
  let picture = null;
  /** @type {string|null|undefined} the field whose message came from here */
  let complained;
  /** @type {import("../model/tiles.js").Source|null} */
  let source = null;
  /** @type {number|null} */
  let pointed = null;
  const busy = createBusy(body);
  let retry = 0;
  let retryMs = RETRY_MS;

  /** @param {number|null} channel */
  function onPoint(channel) {
    pointed = channel;
    store.update({ selected: (channel === null ? undefined : sectionAt(channel))?.index ?? null });
    read();
  }

  /** @param {number} channel */
  const sectionAt = (channel) => picture ? sectionOf(picture.sections, channel) : undefined;

  function read() {
    const tile = pointed === null ? undefined : picture?.tiles[pointed];
    const section = tile && sectionAt(tile.channel);
    if (tile && section) readout.show(tile, titleOf(section, tile.channel));
    else readout.clear();
  }

  /** @param {number} channel */
  function describe(channel) {
    const section = sectionAt(channel);
    return section && picture ? `${sentenceOf(section, picture.tiles[channel])}. Enlarge` : "";
  }

  /** Paints the state as it is now, or starts fetching what is missing for it. */
  function refresh() {
    clearTimeout(retry);
    const plan = planOf(store.get());
    if (!plan || paint(plan)) return latest.cancel();
    busy.begin();
    latest.submit((signal) => load(plan, signal));
  }

  /**
   * @param {Plan} plan
   * @returns {boolean} false when tiles are missing
   */
  function paint({ state, groups, keys }) {
    const tiles = cache.getAll(keys);
    if (!tiles) return false;
    const sections = sectionsOf(groups, tiles);
    picture = { groups, tiles, sections };
    scaling.select.value = state.scaling;
    grid.show({ sections, ranges: rangesOf(sections, state.scaling) });
    busy.end();
    retryMs = RETRY_MS;
    host.dataset.painted = canonical(state);
    settle(state);
    return true;
  }

  /**
   * After the pixels: words, and the rest of the page.
   * @param {State} state
   */
  function settle(state) {
    if (!picture) return;
    if (complained !== undefined) for (const field of [complained, "maps"]) errors.clearFieldError(field);
    body.classList.remove("stale");
    complained = undefined;
    read();
    tell(state);
    table.show(picture.sections);
    host.dispatchEvent(new CustomEvent("maps-painted", { bubbles: true }));
  }

  /** @param {State} state */
  function tell(state) {
    if (picture) notes.show(state, picture, source, trained.of(state));
  }

  /**
   * @param {Plan} plan
   * @param {AbortSignal} signal
   */
  async function load(plan, signal) {
    try {
      const range = missingRange(plan.keys, cache);
      if (range) await fetchTiles(plan, range, signal);
      const now = planOf(store.get());
      if (!(now && paint(now)) && paint(plan)) busy.begin();
    } catch (error) {
      const superseded = signal.aborted || mapsQuery(plan.state) !== mapsQuery(store.get());
      if (!superseded) complain(error);
    }
  }

  /**
   * @param {Plan} plan
   * @param {[number, number]} range
   * @param {AbortSignal} signal
   */
  async function fetchTiles({ state, side, keys }, [from, to], signal) {
    const part = to - from < keys.length ? `&channels=${from}:${to}` : "";
    const buffer = await getBytes(`/api/feature-maps?${mapsQuery(state)}&tile=${side}${part}`, { signal });
    const answer = readTiles(buffer);
    source = answer.source;
    for (const tile of answer.tiles) cache.put(keys[tile.channel], tile);
  }

  /** @param {unknown} error */
  function complain(error) {
    busy.end();
    if (!(error instanceof ApiError)) throw error;
    const { status, sentence, field, passing } = error;
    const lost = status === 404 && field === "image";
    complained = lost ? "image" : (field ?? "maps");
    if (lost) {
      host.dispatchEvent(new CustomEvent("image-missing", { bubbles: true, detail: sentence }));
      return;
    }
    if (passing) {
      retry = window.setTimeout(refresh, retryMs);
      retryMs = Math.min(MOST_RETRY_MS, 2 * retryMs);
    }
    const byHand = !passing && !error.refused; // a failed engine fails again
    errors.showFieldError(complained, sentence, byHand ? [{ label: "Try again", run: refresh }] : []);
    if (complained !== "maps") errors.showFieldError("maps", picture ? `${OLD_MAPS} ${sentence}` : sentence);
    body.classList.add("stale");
  }

  own.on(document, "image-stored", refresh);
  const unsubscribe = store.subscribe((state, prev) => {
    if (state.selected !== prev.selected) grid.select(state.selected);
    if (canonical(state) !== canonical(prev)) refresh();
  });
  const known = trained.subscribe(() => tell(store.get()));
  refresh();

  return {
    destroy() {
      unsubscribe();
      known();
      own.end();
      latest.cancel();
      busy.end();
      clearTimeout(retry);
      grid.destroy();
      lightbox.destroy();
      table.destroy();
      body.replaceChildren();
    },
  };
}
