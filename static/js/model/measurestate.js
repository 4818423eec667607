/**
 * The state of the page that measures: a layer, how it is run, and its place in the URL.
 *
 * @typedef {import("../core/store.js").Pair} Pair
 * @typedef {import("../core/store.js").Scheme} Scheme
 * @typedef {object} MeasureState
 * @property {number} in_channels
 * @property {number} out_channels
 * @property {Pair} kernel_size
 * @property {Pair} stride
 * @property {Pair} padding
 * @property {Pair} dilation
 * @property {boolean} bias
 * @property {number} height
 * @property {number} width
 * @property {Scheme} scheme
 * @property {number} groups  the number of groups there are, whatever the scheme
 * @property {number} base
 * @property {Pair[]} sizes  empty unless the scheme is custom
 * @property {number} batch
 * @property {"float32"|"bfloat16"|"float16"|"float64"} dtype
 * @property {"contiguous"|"channels_last"} memory_format
 * @property {boolean} backward
 * @property {number} rounds
 * @typedef {keyof MeasureState} MeasureKey
 * @typedef {Readonly<MeasureState>} FrozenMeasureState
 * @typedef {import("../core/store.js").StoreOf<MeasureState>} MeasureStore
 */
import { Illegal } from "./grouping.js";
import { settled } from "./splits.js";
import { createTable, row } from "./table.js";

export const table = createTable(/** @type {Record<MeasureKey, import("./table.js").Row>} */ ({
  in_channels: row("int", 64, { min: 1 }),
  out_channels: row("int", 64, { min: 1 }),
  kernel_size: row("pair", "3,3", { min: 1 }),
  stride: row("pair", "1,1", { min: 1 }),
  padding: row("pair", "1,1", { min: 0 }),
  dilation: row("pair", "1,1", { min: 1 }),
  bias: row("bool", true),
  height: row("int", 56, { min: 1 }),
  width: row("int", 56, { min: 1 }),
  scheme: row("choice", "logarithmic", { choices: ["standard", "uniform", "logarithmic", "depthwise", "custom"] }),
  groups: row("int", 4, { min: 1 }),
  base: row("int", 2, { min: 2, max: 64 }),
  sizes: row("sizes", ""),
  batch: row("int", 1, { min: 1 }),
  dtype: row("choice", "float32", { choices: ["float32", "bfloat16", "float16", "float64"] }),
  memory_format: row("choice", "contiguous", { choices: ["contiguous", "channels_last"] }),
  backward: row("bool", false),
  rounds: row("int", 15, { min: 5 }),
}));
const { KEYS, defaultOf, readValue, writeValue } = table;

/** What other pages know of a layer. */
const LAYER = KEYS.slice(0, KEYS.indexOf("batch"));

/** @param {FrozenMeasureState} state @param {readonly MeasureKey[]} keys */
const query = (state, keys) =>
  keys.filter((key) => key !== "sizes" || state.scheme === "custom")
    .map((key) => `${key}=${encodeURIComponent(writeValue(key, state[key])).replace(/%2C/g, ",")}`).join("&");

/** The page's URL and each panel's `data-painted`; what a measurement is asked for. @param {FrozenMeasureState} state */
export const canonical = (state) => query(state, KEYS);

/** The layer's own part of it. @param {FrozenMeasureState} state */
export const layerQuery = (state) => query(state, LAYER);

/**
 * The state after `patch`: groups and sizes follow the channels.
 * @param {FrozenMeasureState} prev
 * @param {Partial<MeasureState>} patch
 * @returns {MeasureState}
 */
export function settle(prev, patch) {
  const next = { ...prev, ...patch };
  return { ...next, ...settled(prev, next) };
}

/**
 * @param {string} search
 * @param {import("./table.js").Params} params  the server's
 * @returns {{state: MeasureState, errors: {field: string, message: string}[]}}
 */
export function parseQuery(search, params) {
  const given = new URLSearchParams(search);
  /** @type {{field: string, message: string}[]} */
  const errors = [];
  const entries = KEYS.map((key) => {
    const text = given.get(key);
    const fallback = defaultOf(key, params);
    const value = text === null ? fallback : readValue(key, text, params);
    if (value !== undefined) return [key, value];
    const shown = String(text).slice(0, 24);
    errors.push({ field: key, message: `The link’s “${shown}” for ${params[key]?.label ?? key} is replaced by ${writeValue(key, fallback) || "none"}.` });
    return [key, fallback];
  });
  const asked = /** @type {MeasureState} */ (Object.fromEntries(entries));
  const state = settledLink(asked);
  for (const key of /** @type {const} */ (["scheme", "groups", "sizes"])) {
    if (given.has(key) && writeValue(key, asked[key]) !== writeValue(key, state[key]) && (key !== "groups" || asked.scheme !== "custom")) {
      errors.push({ field: key, message: `The link asks for ${writeValue(key, asked[key])}; ${writeValue(key, state[key]) || "none"} fits.` });
    }
  }
  return { state, errors };
}

/** @param {MeasureState} asked */
function settledLink(asked) {
  try {
    return settle(asked, {});
  } catch (error) {
    if (!(error instanceof Illegal)) throw error;
    return settle({ ...asked, scheme: "standard", groups: 1, sizes: [] }, {});
  }
}
