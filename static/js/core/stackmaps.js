/**
 * Maps of the stack's modules: fetched once, kept by everything their pixels depend on, and read by many panels.
 * What is on screen goes first; once it is there, the other modules are fetched one by one, nearest first and no more
 * than can be kept beside it, so that the next step in depth, and the film, find them at hand.
 *
 * @typedef {import("../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../model/tiles.js").Tile} Tile
 * @typedef {"a"|"b"|"difference"|"ink"} MapSide
 * @typedef {{side: MapSide, module: number, point: string, dyed?: "a"|"b"}} Wanted
 * @typedef {{tiles: Tile[], source: import("../model/tiles.js").Source}} Maps
 */
import { dyeQuery, sideLength, stackQuery } from "../model/stackstate.js";
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

/** A deeper stack begins as a shallower one does: how many modules it has says nothing of this one. @param {string} path */
export const shortened = (path) => path.replace(/&modules=\d+/, "");

/** What the panel of maps shows of a state. @param {State} state @returns {MapSide[]} */
export const sidesOf = ({ compare }) => (compare ? ["a", "b", "difference"] : ["a"]);

/**
 * Everything that is worth having at hand, nearest depths first, as far as it can be kept all at once: whole depths, and
 * the one on screen in any case.
 * @param {State} state
 * @param {number} [side]  of a tile, in values
 * @param {number} [most]  bytes
 * @returns {Wanted[]}
 */
export function aheadOf(state, side = sideOfTiles(state), most = CACHE_BYTES) {
  const depths = Array.from({ length: state.modules + 1 }, (_, m) => m).sort((a, b) => Math.abs(a - state.module) - Math.abs(b - state.module));
  /** @type {Wanted[]} */
  const list = [];
  let bytes = 0;
  for (const module of depths) {
    const points = module === 0 ? ["output"] : [...new Set([state.point, "output"])];
    const wanted = sidesOf(state).flatMap((each) => points.map((point) => ({ side: each, module, point })));
    bytes += wanted.length * state.in_channels * Math.min(side, sideLength(state, module)) ** 2; // a value is a byte
    if (bytes > most && list.length) break;
    list.push(...wanted);
  }
  return list;
}

export function createStackMaps() {
  /** @type {Map<string, Maps>} */
  const kept = new Map();
  let bytes = 0;
  /** Asked for and not there yet. @type {Map<string, Promise<Maps>>} */
  const coming = new Map();
  /** Fetched ahead in vain: what the server said. @type {Map<string, string>} */
  const refusals = new Map();

  /** @param {State} state @param {Wanted} wanted */
  const keyOf = (state, wanted) => `${mapsPath(state, wanted)}&tile=${sideOfTiles(state)}`;

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

  /** What is at hand, as the last to go. @param {string} key */
  function touched(key) {
    const found = kept.get(key);
    if (!found) return null;
    kept.delete(key);
    kept.set(key, found);
    return found;
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
    const found = touched(key);
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
    get: (state, wanted) => touched(shortened(keyOf(state, wanted))),

    load,

    /** @param {State} state @param {Wanted} wanted @param {string} sentence */
    refuse: (state, wanted, sentence) => void refusals.set(keyOf(state, wanted), sentence),

    /** Why it is not at hand, where that is known. @param {State} state @param {Wanted} wanted */
    refusal: (state, wanted) => refusals.get(keyOf(state, wanted)) ?? null,

    /** Whatever was refused is asked for anew. */
    forgive: () => refusals.clear(),
  };
}
