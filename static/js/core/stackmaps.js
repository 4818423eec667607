/**
 * Maps of the stack's modules: fetched once, kept by everything their pixels depend on, and read by many panels.
 * What is on screen goes first; once it is there, the other modules are fetched one by one, so that the next step in
 * depth, and the film, find them at hand.
 *
 * @typedef {import("../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {"a"|"b"|"difference"|"ink"} MapSide
 * @typedef {{side: MapSide, module: number, point: string, dyed?: "a"|"b"}} Wanted
 * @typedef {{tiles: Tile[], source: import("../model/tiles.js").Source}} Maps
 */
import { dyeQuery, stackQuery } from "../model/stackstate.js";
import { readTiles } from "../model/tiles.js";
import { tileSide } from "../draw/maps.js";
import { getBytes } from "./api.js";

const CACHE_BYTES = 96 << 20; // sixteen modules of 64 channels, both sides and their difference, at two values a pixel

/**
 * @param {State} state
 * @param {Wanted} wanted
 */
export function mapsPath(state, { side, module, point, dyed = "a" }) {
  const pair = side === "b" || side === "difference" || (side === "ink" && dyed === "b");
  const at = module === 0 ? "output" : point; // the stem has nothing else
  const ink = side === "ink" ? `&${dyeQuery(state)}&dyed=${dyed}` : "";
  return `/api/stack/maps?${stackQuery(state, pair)}&side=${side}&module=${module}&point=${at}${ink}`;
}

/** @param {State} state */
export const sideOfTiles = (state) => tileSide(state.in_channels, devicePixelRatio);

export function createStackMaps() {
  /** @type {Map<string, Maps>} */
  const kept = new Map();
  let bytes = 0;
  /** Asked for and not there yet. @type {Map<string, Promise<Maps>>} */
  const coming = new Map();

  /** @param {State} state @param {Wanted} wanted */
  const keyOf = (state, wanted) => `${mapsPath(state, wanted)}&tile=${sideOfTiles(state)}`;

  /** The longest path of a stack that ends here is the shortest's start: modules that are not asked for don't matter. @param {string} key */
  const shortened = (key) => key.replace(/&modules=\d+/, "");

  /** @param {Maps} maps */
  const weight = ({ tiles }) => tiles.reduce((sum, { data }) => sum + data.byteLength, 0);

  /** @param {string} key @param {Maps} maps */
  function keep(key, maps) {
    if (kept.has(key)) return;
    kept.set(key, maps);
    bytes += weight(maps);
    for (const [oldest, old] of kept) {
      if (bytes <= CACHE_BYTES || oldest === key) break;
      kept.delete(oldest);
      bytes -= weight(old);
    }
  }

  /**
   * @param {State} state
   * @param {Wanted} wanted
   * @param {AbortSignal} signal
   * @returns {Promise<Maps>}
   */
  function load(state, wanted, signal) {
    const path = keyOf(state, wanted);
    const key = shortened(path);
    const found = kept.get(key);
    if (found) return Promise.resolve(found);
    const already = coming.get(key);
    if (already) return already.catch(() => load(state, wanted, signal)); // whoever asked first may have left
    const loading = getBytes(path, { signal })
      .then((buffer) => {
        const maps = readTiles(buffer);
        keep(key, maps);
        return maps;
      })
      .finally(() => coming.delete(key));
    coming.set(key, loading);
    return loading;
  }

  return {
    /**
     * What is at hand.
     * @param {State} state
     * @param {Wanted} wanted
     * @returns {Maps|null}
     */
    get(state, wanted) {
      const key = shortened(keyOf(state, wanted));
      const found = kept.get(key);
      if (!found) return null;
      kept.delete(key);
      kept.set(key, found);
      return found;
    },

    load,

    /** For tests of what stays in memory. */
    get bytes() {
      return bytes;
    },
  };
}
