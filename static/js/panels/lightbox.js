/**
 * One feature map at full resolution, in float32: its values under the pointer, its statistics, its neighbours.
 *
 * @typedef {import("../core/store.js").Store} Store
 * @typedef {import("../model/tiles.js").Tile} Tile
 */
import { ApiError, getBytes } from "../core/api.js";
import { h, listeners, qs, setText } from "../core/dom.js";
import { withLink } from "../core/errors.js";
import { createLatest } from "../core/latest.js";
import { mapsQuery } from "../core/url.js";
import { paintMaps, rangeOf } from "../draw/maps.js";
import { splitChannels } from "../model/grouping.js";
import { labelOf } from "../model/sections.js";
import { readTiles } from "../model/tiles.js";
import { createReadout, measure, titleOf } from "./mapstats.js";

/** @param {Store} store */
function pathOf(store, /** @type {number} */ channel) {
  return `/api/feature-maps?${mapsQuery(store.get())}&channels=${channel}:${channel + 1}&dtype=float32`;
}

/**
 * As large as the window allows, in whole device pixels once a value has one CSS pixel.
 * @param {Tile} tile
 */
function zoomOf({ width, height }) {
  const room = Math.min((innerWidth - 48) / width, (innerHeight - 240) / height);
  return room >= 1 ? Math.floor(Math.min(room, 32) * devicePixelRatio) / devicePixelRatio : room;
}

/** @param {Tile} tile */
const layoutOf = ({ width, height }) => ({ columns: 1, rows: 1, width, height, gap: 0, zoom: 1 });

/**
 * @param {HTMLDialogElement} dialog
 * @param {{store: Store, onClose: (channel: number) => void}} deps  onClose hears which map was shown last
 */
export function createLightbox(dialog, { store, onClose }) {
  const title = qs("h2", dialog);
  const body = qs(".panel-body", dialog);
  const canvas = h("canvas", { role: "img" });
  const low = h("span");
  const high = h("span");
  const scale = h("p", { class: "lightbox-scale" }, low, h("i"), high, " this map’s own range");
  const at = h("p", { class: "lightbox-at" });
  const message = h("p", { class: "message", role: "status" });
  const readout = createReadout("");
  const before = h("button", { type: "button", onclick: () => go(-1) }, "← Previous");
  const after = h("button", { type: "button", onclick: () => go(1) }, "Next →");
  const close = h("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close");
  body.append(canvas, h("div", { class: "lightbox-foot" }, scale, at), readout.element, message,
    h("div", { class: "lightbox-buttons" }, before, after, close));

  const own = listeners();
  const latest = createLatest({ most: 0 });
  let channel = 0;
  /** @type {Tile|null} */
  let shown = null;

  /** @param {number} direction */
  function go(direction) {
    const next = channel + direction;
    if (next >= 0 && next < store.get().out_channels) open(next);
  }

  /** @param {number} next */
  function open(next) {
    channel = next;
    if (!dialog.open) dialog.showModal();
    latest.submit(load);
  }

  /** @param {AbortSignal} signal */
  async function load(signal) {
    try {
      const [tile] = readTiles(await getBytes(pathOf(store, channel), { signal })).tiles;
      setText(message, "");
      paint(tile);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      message.replaceChildren(...withLink(error.sentence));
    }
  }

  /** @param {Tile} tile */
  function paint(tile) {
    shown = tile;
    const group = splitChannels(store.get()).groups.findLast(({ out_start }) => out_start <= tile.channel);
    const name = group ? titleOf(labelOf(group), tile.channel) : "";
    setText(title, name);
    readout.show(tile, `${tile.height} × ${tile.width}, full resolution`);
    Object.assign(canvas, { width: tile.width, height: tile.height });
    canvas.setAttribute("aria-label", name);
    fit();
    const [lo, hi] = rangeOf(tile);
    paintMaps(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), [tile], layoutOf(tile), [lo, hi]);
    setText(low, measure(lo));
    setText(high, measure(hi));
    before.disabled = tile.channel === 0;
    after.disabled = tile.channel === store.get().out_channels - 1;
    setText(at, "");
    dialog.dataset.channel = String(tile.channel);
  }

  function fit() {
    if (!shown) return;
    const zoom = zoomOf(shown);
    canvas.style.width = `${shown.width * zoom}px`;
    canvas.style.height = `${shown.height * zoom}px`;
  }

  /** @param {PointerEvent} event */
  function readValue(event) {
    if (!shown) return;
    const x = Math.min(shown.width - 1, Math.max(0, Math.floor((event.offsetX / canvas.clientWidth) * shown.width)));
    const y = Math.min(shown.height - 1, Math.max(0, Math.floor((event.offsetY / canvas.clientHeight) * shown.height)));
    setText(at, `row ${y}, column ${x}: ${measure(shown.data[y * shown.width + x])}`);
  }

  own.on(canvas, "pointermove", readValue);
  own.on(canvas, "pointerleave", () => setText(at, ""));
  own.on(window, "resize", fit);
  own.on(dialog, "keydown", (event) => {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[/** @type {string} */ (event.key)];
    if (!direction) return;
    event.preventDefault();
    go(direction);
  });
  own.on(dialog, "click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  own.on(dialog, "close", () => {
    latest.cancel();
    delete dialog.dataset.channel;
    onClose(channel);
  });

  return {
    open,
    destroy() {
      own.end();
      latest.cancel();
      body.replaceChildren();
    },
  };
}
