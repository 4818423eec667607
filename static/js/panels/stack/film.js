/**
 * The film: one channel a row through all depths. It shows what the maps' panel fetched; a frame that could not be had
 * is empty and says why. A frame is a button that opens its depth; each row's channel can be changed.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {{tiles: import("../../model/tiles.js").Tile[]|null, why: string|null}} Found  why: there are none, and none to come
 */
import { h, listeners, qs, setText } from "../../core/dom.js";
import { COLOURS, groupTexture } from "../../core/palette.js";
import { aheadOf } from "../../core/stackmaps.js";
import { colourTable } from "../../draw/colours.js";
import { paintMaps } from "../../draw/maps.js";
import { number } from "../../model/format.js";
import { afterName } from "../../model/ink.js";
import { groupOf } from "../../model/stacksections.js";
import { MOST_FILM, canonical, filmOf, pictureKey, sideOf, spansOf } from "../../model/stackstate.js";
import { energyOf, isDead } from "../../model/tiles.js";
import { measure } from "../mapstats.js";

const SIDE = 56; // CSS pixels of a frame
const FAR = "These maps are too many to keep all depths at hand.";

/**
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/stackstate.js").StackStore} deps.store
 * @param {ReturnType<typeof import("../../core/stackmaps.js").createStackMaps>} deps.maps
 */
export function createFilm(host, { store, maps }) {
  const body = qs(".panel-body", host);
  const own = listeners();
  const strip = h("div", { class: "film", role: "group", "aria-label": "One channel of each group through all modules" });
  const note = h("p", { class: "map-notes" });
  body.replaceChildren(strip, note);
  /** @type {ReturnType<typeof createRow>[]} */
  let rows = [];
  let shape = "";
  let queued = false;

  function draw() {
    const state = store.get();
    const channels = filmOf(state);
    const now = `${channels.length} ${state.modules}`;
    if (now !== shape) {
      shape = now;
      rows = channels.map((_, i) => createRow(state.modules, { move, look }, i));
      strip.replaceChildren(heads(state), ...rows.map(({ element }) => element));
    }
    const side = sideOf(state);
    const found = lookUp(state, side, maps);
    channels.forEach((channel, i) => rows[i].show(state, side, channel, found));
    const complete = found.every(({ tiles, why }) => tiles || why);
    for (const [m, head] of [...strip.querySelectorAll(".film-head > span[data-module]")].entries()) head.classList.toggle("here", m === state.module);
    const groups = spansOf(state, side).length;
    setText(note, `Each frame has its own range, so that a form can be followed; the number is the map’s energy (mean square).${groups > MOST_FILM && !state.film.length ? ` The first ${MOST_FILM} of ${number(groups)} groups are shown; the arrows choose other channels.` : ""}`);
    if (complete) host.dataset.painted = canonical(state);
  }

  /** After the frame that shows the maps: they follow the finger, the film follows them. */
  function soon() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => setTimeout(() => {
      queued = false;
      draw();
    }));
  }

  /** @param {State} state */
  const heads = (state) => h("div", { class: "film-head", "aria-hidden": "true" }, h("span"),
    ...Array.from({ length: state.modules + 1 }, (_, m) => h("span", { "data-module": m }, m === 0 ? "stem" : String(m))));

  /** @param {number} row @param {number} by */
  function move(row, by) {
    const { in_channels } = store.get();
    const film = [...filmOf(store.get())];
    film[row] = (film[row] + by + in_channels) % in_channels;
    store.update({ film });
  }

  /** @param {number} module */
  const look = (module) => store.update({ module });

  const unsubscribe = store.subscribe((state, prev) => {
    if (pictureKey(state) !== pictureKey(prev)) soon();
    else if (host.dataset.painted === canonical(prev)) host.dataset.painted = canonical(state);
  });
  for (const type of ["maps-painted", "maps-ahead"]) own.on(document, type, soon);
  draw();
  return {
    destroy() {
      unsubscribe();
      own.end();
      body.replaceChildren();
    },
  };
}

/**
 * What there is of each module.
 * @param {State} state
 * @param {"a"|"b"} side
 * @param {ReturnType<typeof import("../../core/stackmaps.js").createStackMaps>} maps
 * @returns {Found[]}
 */
function lookUp(state, side, maps) {
  const coming = new Set(aheadOf(state).map(({ module }) => module));
  return Array.from({ length: state.modules + 1 }, (_, module) => {
    const wanted = { side, module, point: "output" };
    const tiles = maps.get(state, wanted)?.tiles ?? null;
    return { tiles, why: tiles ? null : maps.refusal(state, wanted) ?? (coming.has(module) ? null : FAR) };
  });
}

/**
 * @param {number} modules
 * @param {{move: (row: number, by: number) => void, look: (module: number) => void}} events
 * @param {number} index  of the row
 */
function createRow(modules, { move, look }, index) {
  const name = h("span", { class: "film-name" });
  const back = h("button", { type: "button", class: "film-step", onclick: () => move(index, -1) }, "‹");
  const on = h("button", { type: "button", class: "film-step", onclick: () => move(index, 1) }, "›");
  const bar = h("span", { class: "map-bar" });
  const frames = Array.from({ length: modules + 1 }, (_, module) => {
    const canvas = h("canvas", { width: 1, height: 1, "aria-hidden": "true" });
    const energy = h("small");
    const button = h("button", { type: "button", class: "film-frame", onclick: () => look(module) }, canvas, energy);
    /** @type {import("../../model/tiles.js").Tile|null} */
    let painted = null;
    let colours = "";
    function clear() {
      canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
      setText(energy, "–");
      painted = null;
    }
    return {
      button,
      /**
       * @param {import("../../model/tiles.js").Tile|undefined} tile
       * @param {string|null} why  there is none, and none to come
       * @param {State} state
       * @param {number} group
       */
      show(tile, why, state, group) {
        button.classList.toggle("here", module === state.module);
        button.style.setProperty("--group", `var(--group-${(group % COLOURS) + 1})`);
        button.classList.toggle("waiting", !tile && !why);
        button.classList.toggle("refused", !tile && why !== null);
        if (tile || !why) button.removeAttribute("title");
        else button.title = why;
        const title = afterName(module);
        if (!tile) {
          button.setAttribute("aria-label", `${title[0].toUpperCase()}${title.slice(1)}: ${why ?? "on its way."} Look at ${title}`);
          if (why) clear();
          return;
        }
        button.setAttribute("aria-label", `Channel ${tile.channel} after ${title}, energy ${measure(energyOf(tile))}${isDead(tile) ? ", dead" : ""}. Look at ${title}`);
        setText(energy, isDead(tile) ? "dead" : measure(energyOf(tile)));
        if (painted === tile && colours === state.colours) return;
        painted = tile;
        colours = state.colours;
        if (canvas.width !== tile.width || canvas.height !== tile.height) Object.assign(canvas, { width: tile.width, height: tile.height });
        const layout = { columns: 1, rows: 1, width: tile.width, height: tile.height, gap: 0, zoom: SIDE / tile.width };
        paintMaps(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), [tile], layout, null,
          { colours: colourTable(state.colours), signed: state.colours === "diverging", flagDead: true });
      },
    };
  });
  return {
    element: h("div", { class: "film-row" }, h("div", { class: "film-title" }, bar, back, name, on), ...frames.map(({ button }) => button)),
    /**
     * @param {State} state
     * @param {"a"|"b"} side
     * @param {number} channel
     * @param {Found[]} found  of each module
     */
    show(state, side, channel, found) {
      const groups = [...frames.keys()].map((module) => groupOf(state, side, module, channel));
      setText(name, `channel ${channel}`);
      back.setAttribute("aria-label", `Row ${index + 1}: previous channel, now ${channel}`);
      on.setAttribute("aria-label", `Row ${index + 1}: next channel, now ${channel}`);
      bar.className = `map-bar texture-${groupTexture(groups[1])}`;
      bar.style.setProperty("--group", `var(--group-${(groups[1] % COLOURS) + 1})`);
      frames.forEach((frame, module) => frame.show(found[module].tiles?.[channel], found[module].why, state, groups[module]));
    },
  };
}
