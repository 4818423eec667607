/**
 * Feature maps as the page keeps them: one tile per output channel, known by everything its pixels depend on.
 * A channel depends on its own group's inputs only, so a slider's step asks for just the channels it changed.
 * Leaves out fetching and drawing.
 *
 * @typedef {import("../core/store.js").State} State
 * @typedef {import("./grouping.js").Span} Span
 * @typedef {{min: number, max: number, mean: number, std: number, zeros: number}} Stats  zeros is a share
 * @typedef {object} Tile
 * @property {number} channel
 * @property {number} width
 * @property {number} height
 * @property {import("./safetensors.js").Numbers} data  value = data * scale + offset
 * @property {number} scale
 * @property {number} offset
 * @property {[number, number]} full  height and width at full resolution
 * @property {Stats} stats  of the full resolution
 * @typedef {{device: string, dtype: string}} Source  what computed them
 */
import { writeValue } from "./params.js";
import { readSafetensors } from "./safetensors.js";

const PICTURE = /** @type {const} */ ([
  "image", "size", "in_channels", "kernel_size", "stride", "padding", "dilation", "bias", "weights", "checkpoint", "seed", "gain", "relu",
]);

/**
 * One key per output channel, in order.
 * @param {State} state
 * @param {readonly Span[]} groups
 * @param {number} side  longer side asked for, in map values
 * @returns {string[]}
 */
export function tileKeys(state, groups, side) {
  const base = `${PICTURE.map((key) => writeValue(key, state[key])).join(" ")} ${side}`;
  return groups.flatMap(({ in_start, in_channels, out_start, out_channels }) =>
    Array.from({ length: out_channels }, (_, i) => `${base} ${in_start}+${in_channels} ${out_start + i}`),
  );
}

/**
 * The shortest run of channels that covers every missing one.
 * @param {readonly string[]} keys
 * @param {{has(key: string): boolean}} cache
 * @returns {[number, number]|null} half open
 */
export function missingRange(keys, cache) {
  const first = keys.findIndex((key) => !cache.has(key));
  if (first < 0) return null;
  const last = keys.findLastIndex((key) => !cache.has(key));
  return [first, last + 1];
}

/**
 * Tiles up to a number of bytes; the ones used longest ago go first.
 * @param {number} maxBytes
 */
export function createTileCache(maxBytes) {
  /** @type {Map<string, Tile>} */
  const tiles = new Map();
  let bytes = 0;

  /** @param {string} key */
  function remove(key) {
    bytes -= tiles.get(key)?.data.byteLength ?? 0;
    tiles.delete(key);
  }

  return {
    /** @param {string} key */
    has: (key) => tiles.has(key),

    /**
     * All of them, or null when one is missing.
     * @param {readonly string[]} keys
     * @returns {Tile[]|null}
     */
    getAll(keys) {
      const found = [];
      for (const key of keys) {
        const tile = tiles.get(key);
        if (!tile) return null;
        found.push(tile);
      }
      found.forEach((tile, i) => {
        tiles.delete(keys[i]);
        tiles.set(keys[i], tile);
      });
      return found;
    },

    /**
     * @param {string} key
     * @param {Tile} tile
     */
    put(key, tile) {
      remove(key);
      tiles.set(key, tile);
      bytes += tile.data.byteLength;
      for (const oldest of tiles.keys()) {
        if (bytes <= maxBytes || oldest === key) break;
        remove(oldest);
      }
    },
  };
}

/**
 * @param {ArrayBuffer} buffer  a body of GET /api/feature-maps
 * @returns {{tiles: Tile[], source: Source}}
 */
export function readTiles(buffer) {
  const { metadata, tensors } = readSafetensors(buffer);
  const { maps, scale, offset } = tensors;
  const [count, height, width] = maps.shape;
  const stats = JSON.parse(metadata.stats);
  const [, fullHeight, fullWidth] = JSON.parse(metadata.shape);
  const first = Number(metadata.channels.split(":")[0]);
  const tiles = Array.from({ length: count }, (_, i) => /** @type {Tile} */ ({
    channel: first + i,
    width,
    height,
    data: maps.data.subarray(i * width * height, (i + 1) * width * height),
    scale: scale.data[i],
    offset: offset.data[i],
    full: [fullHeight, fullWidth],
    stats: statsOf(stats, i),
  }));
  return { tiles, source: { device: metadata.device, dtype: metadata.compute_dtype } };
}

/**
 * @param {Record<keyof Stats, number[]>} columns
 * @param {number} i
 * @returns {Stats}
 */
function statsOf({ min, max, mean, std, zeros }, i) {
  return { min: min[i], max: max[i], mean: mean[i], std: std[i], zeros: zeros[i] };
}

/** @param {Tile} tile */
export const isDead = (tile) => tile.stats.zeros === 1;

/**
 * The mean of the squares of its values.
 * @param {{stats: Pick<Stats, "mean"|"std">}} tile
 */
export const energyOf = ({ stats: { mean, std } }) => mean * mean + std * std;

/**
 * The statistics of all values of some maps, from those of each map: they have as many values each.
 * @param {readonly Tile[]} tiles  at least one
 * @returns {Stats}
 */
export function pooledStats(tiles) {
  /** @param {(stats: Stats) => number} of */
  const average = (of) => tiles.reduce((sum, { stats }) => sum + of(stats), 0) / tiles.length;
  const mean = average((stats) => stats.mean);
  return {
    min: Math.min(...tiles.map(({ stats }) => stats.min)),
    max: Math.max(...tiles.map(({ stats }) => stats.max)),
    mean,
    std: Math.sqrt(average((stats) => stats.std ** 2 + (stats.mean - mean) ** 2)), // within maps, and between them
    zeros: average((stats) => stats.zeros),
  };
}
