/**
 * The inspector: one map of the stack, large, and one of its values taken apart. What is looked at is part of the page's
 * state: channel (-1: closed), row, column and inspected, the side; a link opens it again.
 *
 * It opens with what the page has at hand, the tile on screen, and sharpens when the exact map is there. The marker
 * waits for nothing; of the answers about single values the last one asked for counts. What could not be had leaves the
 * last good picture, with a sentence and a way out.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../model/stackstate.js").Side} Side
 * @typedef {import("../../model/pixel.js").Pixel} Pixel
 * @typedef {import("../../model/tiles.js").Tile} Tile
 */
import { ApiError, getBytes } from "../../core/api.js";
import { createBusy } from "../../core/busy.js";
import { h, listeners, qs, setText } from "../../core/dom.js";
import { createLatest } from "../../core/latest.js";
import { mapsPath, shortened } from "../../core/stackmaps.js";
import { Illegal } from "../../model/grouping.js";
import { readPixel, stemField } from "../../model/pixel.js";
import { groupOf } from "../../model/stacksections.js";
import { canonical, sideLength, sideQuery, spansOf } from "../../model/stackstate.js";
import { readTiles } from "../../model/tiles.js";
import { weightsText } from "../../model/weightwords.js";
import { createInspectorBar } from "./inspectorbar.js";
import { createInspectorField } from "./inspectorfield.js";
import { createInspectorKernel, createInspectorSight } from "./inspectorkernel.js";
import { createInspectorMap } from "./inspectormap.js";
import { createInspectorSum } from "./inspectorsum.js";
import { createInspectorTable } from "./inspectortable.js";
import { waysOut } from "./waysout.js";

const RETRY_MS = 1000;
const KEYS = "Arrow keys move by one value, with Shift by ten.";
const LEAVES = "This is what leaves the module, whatever the maps on the page show. ";
const STEM = "Modules take what it gives: from module 1 on, a value comes apart here into the products it sums.";

/** The side that is looked at, where there are two. @param {State} state @returns {Side} */
const sideOf = ({ compare, inspected }) => (compare ? inspected : "a");

/** @param {State} state */
const mapPath = (state) =>
  `${mapsPath(state, { side: sideOf(state), module: state.module, point: "output" })}&channels=${state.channel}:${state.channel + 1}&dtype=float32`;

/** @param {State} state */
const pixelPath = (state) => {
  const { module, channel, row, column } = state;
  return `/api/stack/pixel?${sideQuery(state, sideOf(state))}&module=${module}&channel=${channel}&row=${row}&column=${column}`;
};

/**
 * @param {HTMLDialogElement} dialog
 * @param {object} deps
 * @param {import("../../model/stackstate.js").StackStore} deps.store
 * @param {{samples: {id: string, name: string}[]}} deps.boot
 * @param {import("../../core/errors.js").Errors} deps.errors
 * @param {ReturnType<typeof import("../../core/stackmaps.js").createStackMaps>} deps.maps
 * @param {import("../../core/trained.js").Trained} deps.trained
 */
export function createInspector(dialog, { store, boot, errors, maps, trained }) {
  const state = () => store.get();
  const title = qs("h2", dialog);
  const body = qs(".panel-body", dialog);
  const message = h("p", { id: "inspector-message", class: "message", "aria-live": "polite" });
  const map = createInspectorMap({ choose: (row, column) => store.update({ row, column }), play: () => state().module > 0 && sum.toggle() });
  const sum = createInspectorSum();
  const field = createInspectorField();
  const kernel = createInspectorKernel();
  const sight = createInspectorSight();
  const table = createInspectorTable();
  const bar = createInspectorBar({ update: store.update });
  const deeper = h("button", { type: "button", onclick: () => store.update({ module: 1 }) }, "Look at module 1");
  const eye = h("p");
  const whose = h("p", { class: "inspector-whose", hidden: true });
  const stem = h("section", { class: "inspector-stem", hidden: true }, h("h3", {}, "The stem"), eye, deeper);
  const parts = h("div", { class: "inspector-parts" }, field.element, sight.element, kernel.element);
  body.before(bar.element);
  body.append(message, h("div", { class: "inspector-main" }, map.element, sum.element, stem), parts, whose, table.element);

  const own = listeners();
  const mapBusy = createBusy(map.element);
  const sumBusy = createBusy(sum.element);
  const latestMap = createLatest({ most: 0 });
  const latestPixel = createLatest();
  /** What is shown exactly, and what was asked for last. */
  const shown = { map: "", pixel: "" };
  const wanted = { map: "", pixel: "" };
  let stemChannels = 0; // that reach the value shown
  let retry = 0;

  function render() {
    const at = state();
    if (at.channel < 0) {
      if (dialog.open) dialog.close();
      return;
    }
    try {
      show(at, sideOf(at), spansOf(at, sideOf(at))[groupOf(at, sideOf(at), at.module, at.channel)]);
    } catch (error) {
      if (!(error instanceof Illegal)) throw error; // the controls tell of a split that cannot be
    }
  }

  /**
   * @param {State} at
   * @param {Side} side
   * @param {import("../../model/grouping.js").Span} group
   */
  function show(at, side, group) {
    if (!dialog.open) {
      dialog.showModal();
      map.fit();
    }
    setText(title, `${at.module === 0 ? "Stem" : `Module ${at.module}`}, map ${at.channel}${at.compare ? ` of ${side.toUpperCase()}` : ""}`);
    bar.show(at, side, group);
    map.dye(at.colours);
    map.say(at.module > 0 ? `${at.point === "output" ? "" : LEAVES}${KEYS} Enter plays the sum.` : KEYS);
    map.moveTo(at.row, at.column, sideLength(at, at.module));
    const isStem = at.module === 0;
    for (const element of [sum.element, kernel.element, sight.element, table.element]) element.hidden = isStem;
    stem.hidden = !isStem;
    tell(at);
    field.show(at);
    if (isStem) field.place(stemField(at.row, at.column, at.size), at);
    askMap(at, side, isStem);
    if (!isStem) askPixel(at);
    settle();
  }

  /** Whose weights make the value, where they are trained. @param {State} at */
  function tell(at) {
    const network = trained.of(at);
    const patches = network?.data.channels === 1 ? "the picture in grey, a 3 × 3 patch of it" : "the three colours of the picture, a 3 × 3 patch of each";
    setText(eye, `The stem reads ${patches}. ${STEM}`);
    whose.hidden = at.weights !== "trained";
    setText(whose, `${weightsText(at, network)}.`);
  }

  /**
   * @param {State} at
   * @param {Side} side
   * @param {boolean} isStem
   */
  function askMap(at, side, isStem) {
    const path = mapPath(at);
    const key = shortened(path);
    if (key === wanted.map) return;
    wanted.map = key;
    if (!isStem) sight.show(at, side);
    if (shown.map === key) {
      latestMap.cancel();
      return mapBusy.end();
    }
    shown.map = "";
    map.show(firstTile(at, side), `${title.textContent}`);
    mapBusy.begin();
    latestMap.submit(async (signal) => {
      try {
        const [tile] = readTiles(await getBytes(path, { signal })).tiles;
        if (key !== wanted.map) return;
        map.show(tile, `${title.textContent}`);
        shown.map = key;
        mapBusy.end();
        settle();
      } catch (error) {
        if (!signal.aborted && key === wanted.map) complain(error, at);
      }
    });
  }

  /**
   * What the page has of this map already: of what leaves the module, or of what the maps show.
   * @param {State} at
   * @param {Side} side
   * @returns {Tile|null}
   */
  function firstTile(at, side) {
    const found = maps.get(at, { side, module: at.module, point: "output" }) ?? maps.get(at, { side, module: at.module, point: at.point });
    return found?.tiles[at.channel] ?? null;
  }

  /** @param {State} at */
  function askPixel(at) {
    const path = pixelPath(at);
    const key = shortened(path);
    if (key === wanted.pixel) return;
    wanted.pixel = key;
    if (shown.pixel === key) {
      latestPixel.cancel();
      sight.reach(stemChannels, at.in_channels);
      return sumBusy.end();
    }
    sumBusy.begin();
    latestPixel.submit(async (signal) => {
      try {
        const pixel = readPixel(await getBytes(path, { signal }));
        if (key !== wanted.pixel) return;
        paint(pixel, at);
        shown.pixel = key;
        sumBusy.end();
        settle();
      } catch (error) {
        if (!signal.aborted && key === wanted.pixel) complain(error, at);
      }
    });
  }

  /** @param {Pixel} pixel @param {State} at */
  function paint(pixel, at) {
    sum.show(pixel, at);
    field.place(pixel.receptive_field, at);
    kernel.show(pixel, groupOf(at, sideOf(at), at.module, at.channel));
    stemChannels = pixel.stem_channels;
    sight.reach(stemChannels, at.in_channels);
    table.show(pixel, at);
  }

  /** All that is asked for is there: the dialog shows the state. */
  function settle() {
    const at = state();
    const missing = shown.map !== shortened(mapPath(at)) || (at.module > 0 && shown.pixel !== shortened(pixelPath(at)));
    if (missing) return;
    if (message.hasChildNodes()) errors.clearFieldError("inspector");
    dialog.dataset.painted = canonical(at);
  }

  /**
   * @param {unknown} error
   * @param {State} at
   */
  function complain(error, at) {
    if (!(error instanceof ApiError)) throw error;
    const { status, sentence, field: named } = error;
    const again = { label: "Try again", run: render };
    for (const part of /** @type {const} */ (["map", "pixel"])) {
      if (wanted[part] !== shown[part]) wanted[part] = ""; // the next change asks again
    }
    mapBusy.end();
    sumBusy.end();
    if (status === 404 && named === "image") {
      body.dispatchEvent(new CustomEvent("image-missing", { bubbles: true, detail: sentence }));
      const [sample] = boot.samples;
      const other = sample && sample.id !== at.image;
      const way = other ? { label: `Use “${sample.name}”`, run: () => store.update({ image: sample.id }) } : again;
      return errors.showFieldError("inspector", sentence, [way]);
    }
    clearTimeout(retry);
    if (error.passing) retry = window.setTimeout(render, RETRY_MS);
    const ways = waysOut(at, error, store.update);
    if (named === "row" || named === "column") ways.push({ label: "Row 0, column 0", run: () => store.update({ row: 0, column: 0 }) });
    errors.showFieldError("inspector", sentence, ways.length ? ways : [again]);
  }

  own.on(document, "image-stored", () => state().channel >= 0 && render());
  own.on(dialog, "close", () => {
    latestMap.cancel();
    latestPixel.cancel();
    clearTimeout(retry);
    sum.pause();
    [wanted.map, wanted.pixel] = ["", ""];
    delete dialog.dataset.painted;
    errors.clearFieldError("inspector");
    store.update({ channel: -1 });
  });
  own.on(dialog, "click", (event) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const outside = event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
    if (event.target === dialog && outside) dialog.close();
  });
  const unsubscribe = store.subscribe((now, prev) => {
    if (canonical(now) !== canonical(prev)) render();
  });
  const known = trained.subscribe(() => tell(state()));
  render();

  return {
    /**
     * @param {Side} side
     * @param {number} channel
     * @param {number} [row]  where it is left out, the place looked at last, the middle at first
     * @param {number} [column]
     */
    open(side, channel, row, column) {
      const at = state();
      const middle = Math.floor(sideLength(at, at.module) / 2);
      const fresh = at.row === 0 && at.column === 0;
      store.update({ inspected: side, channel, row: row ?? (fresh ? middle : at.row), column: column ?? (fresh ? middle : at.column) });
    },

    destroy() {
      unsubscribe();
      known();
      own.end();
      latestMap.cancel();
      latestPixel.cancel();
      clearTimeout(retry);
      mapBusy.end();
      sumBusy.end();
      for (const part of [bar, map, sum, field, kernel, sight, table]) part.destroy();
      bar.element.remove();
      body.replaceChildren();
    },
  };
}
