/**
 * The state of the stack page, its place in the URL, and what the server is asked for it.
 *
 * @typedef {import("../core/store.js").Pair} Pair
 * @typedef {import("../core/store.js").Scheme} Scheme
 * @typedef {"a"|"b"} Side
 * @typedef {object} StackState
 * @property {string} image  id of the picture, "" for none
 * @property {number} size
 * @property {number} in_channels  of every module, in and out
 * @property {Pair} kernel_size
 * @property {Pair} dilation
 * @property {boolean} bias
 * @property {Scheme} scheme
 * @property {number} groups  the number of groups there are, whatever the scheme
 * @property {number} base
 * @property {Pair[]} sizes  empty unless the scheme is custom
 * @property {boolean} compare  whether there is a side B
 * @property {Scheme} b_scheme
 * @property {number} b_groups
 * @property {number} b_base
 * @property {Pair[]} b_sizes
 * @property {number} modules
 * @property {boolean} residual
 * @property {"none"|"shuffle"|"pointwise"|"rotated"} mixing
 * @property {"none"|"average"|"max"} downsample
 * @property {number} stage
 * @property {"none"|"conv"|"sum"} normalisation
 * @property {boolean} relu
 * @property {"filter-bank"|"random"|"trained"} weights
 * @property {string} checkpoint  id of the trained network, "" for none; it says nothing for other weights
 * @property {number} seed
 * @property {"cut"|"fan-in"} gain
 * @property {number} module  that is looked at; 0 is the stem
 * @property {"input"|"conv"|"sum"|"output"} point  of it
 * @property {"map"|"group"|"shared"} scaling
 * @property {import("../draw/colours.js").ColourMap} colours
 * @property {"channel"|"energy"} order
 * @property {Side} side  that energies, ink, redundancy and the film tell of, where there are two
 * @property {number[]} film  channels of the film's rows; empty: the first of each group
 * @property {"channel"|"patch"} dye
 * @property {number} dye_channel
 * @property {number} dye_row
 * @property {number} dye_column
 * @property {number} dye_size
 * @property {number} channel  of the value under inspection; -1 for none
 * @property {number} row
 * @property {number} column
 * @property {Side} inspected  side of that value
 * @property {number|null} selected  group under the pointer; not part of the URL
 * @typedef {Exclude<keyof StackState, "selected">} StackKey
 * @typedef {Readonly<StackState>} FrozenStackState
 * @typedef {import("../core/store.js").StoreOf<StackState>} StackStore
 * @typedef {import("./grouping.js").Span} Span
 */
import { Illegal, hasChoice, splitChannels } from "./grouping.js";
import { settled } from "./splits.js";
import { createTable, row } from "./table.js";

const SCHEMES = ["standard", "uniform", "logarithmic", "depthwise", "custom"];

export const TABLE = /** @type {Record<StackKey, import("./table.js").Row>} */ ({
  image: row("hash", ""),
  size: row("int", 112, { min: 1 }),
  in_channels: row("int", 64, { min: 1 }),
  kernel_size: row("pair", "3,3", { min: 1 }),
  dilation: row("pair", "1,1", { min: 1 }),
  bias: row("bool", true),
  scheme: row("choice", "logarithmic", { choices: SCHEMES }),
  groups: row("int", 4, { min: 1 }),
  base: row("int", 2, { min: 2, max: 64 }),
  sizes: row("sizes", ""),
  compare: row("bool", false),
  b_scheme: row("choice", "uniform", { choices: SCHEMES }),
  b_groups: row("int", 4, { min: 1 }),
  b_base: row("int", 2, { min: 2, max: 64 }),
  b_sizes: row("sizes", ""),
  modules: row("int", 8, { min: 1, max: 16 }),
  residual: row("bool", true),
  mixing: row("choice", "none", { choices: ["none", "shuffle", "pointwise", "rotated"] }),
  downsample: row("choice", "none", { choices: ["none", "average", "max"] }),
  stage: row("int", 4, { min: 1, max: 16 }),
  normalisation: row("choice", "none", { choices: ["none", "conv", "sum"] }),
  relu: row("bool", true),
  weights: row("choice", "filter-bank", { choices: ["filter-bank", "random", "trained"] }),
  checkpoint: row("id", ""),
  seed: row("int", 0, { min: 0 }),
  gain: row("choice", "fan-in", { choices: ["cut", "fan-in"] }),
  module: row("int", 1, { min: 0, max: 16 }),
  point: row("choice", "output", { choices: ["input", "conv", "sum", "output"] }),
  scaling: row("choice", "map", { choices: ["map", "group", "shared"] }),
  colours: row("choice", "grey", { choices: ["grey", "viridis", "cividis", "diverging"] }),
  order: row("choice", "channel", { choices: ["channel", "energy"] }),
  side: row("choice", "a", { choices: ["a", "b"] }),
  film: row("json", []),
  dye: row("choice", "channel", { choices: ["channel", "patch"] }),
  dye_channel: row("int", 0, { min: 0 }),
  dye_row: row("int", 0, { min: 0 }),
  dye_column: row("int", 0, { min: 0 }),
  dye_size: row("int", 16, { min: 1 }),
  channel: row("int", -1, { min: -1 }),
  row: row("int", 0, { min: 0 }),
  column: row("int", 0, { min: 0 }),
  inspected: row("choice", "a", { choices: ["a", "b"] }),
});

export const table = createTable(TABLE);
const { KEYS, defaultOf, readValue, writeValue } = table;

/** What a stack is made of; the server's table of the same names. */
const NUMBERS = /** @type {const} */ ([
  "size", "in_channels", "kernel_size", "dilation", "bias", "scheme", "groups", "base", "sizes", "modules", "residual",
  "mixing", "downsample", "stage", "normalisation", "relu", "weights", "checkpoint", "seed", "gain",
]);
const SIDE_B = /** @type {const} */ (["b_scheme", "b_groups", "b_base", "b_sizes"]);
const DYES = /** @type {const} */ ({ channel: ["dye", "dye_channel"], patch: ["dye", "dye_row", "dye_column", "dye_size"] });
/** What the server's own defaults hold for: a page begins where the API does. */
const FROM_SERVER = new Set([...NUMBERS, "image"]);

/**
 * @param {FrozenStackState} state
 * @param {readonly StackKey[]} keys
 */
const query = (state, keys) =>
  keys.filter((key) => told(state, key)).map((key) => `${key}=${encodeURIComponent(writeValue(key, state[key])).replace(/%2C/g, ",")}`).join("&");

/** @param {FrozenStackState} state @param {StackKey} key */
function told(state, key) {
  if (key === "image") return state.image !== "";
  if (key === "checkpoint") return state.weights === "trained" && state.checkpoint !== "";
  if (key === "sizes") return state.scheme === "custom";
  return key !== "b_sizes" || state.b_scheme === "custom";
}

/**
 * The whole view in one fixed order: the page's URL and each panel's `data-painted`.
 * @param {FrozenStackState} state
 */
export const canonical = (state) => query(state, KEYS);

/** What no picture of whole maps depends on: a value under inspection, the dye. */
const ELSEWHERE = new Set(["channel", "row", "column", "inspected", ...DYES.channel, ...DYES.patch]);
const PICTURE = KEYS.filter((key) => !ELSEWHERE.has(key));

/**
 * The view as far as the maps' pictures depend on it: equal keys, equal pixels.
 * @param {FrozenStackState} state
 */
export const pictureKey = (state) => query(state, PICTURE);

/**
 * The stack in numbers: what GET /api/stack takes.
 * @param {FrozenStackState} state
 * @param {Side} [side]  b: as if its grouping were the first
 */
export const numbersQuery = (state, side = "a") => query(side === "a" ? state : swapped(state), NUMBERS);

/**
 * The stack on its picture, with side B where that is asked for.
 * @param {FrozenStackState} state
 * @param {boolean} withB
 */
export const stackQuery = (state, withB) => query(state, ["image", ...NUMBERS, ...(withB ? SIDE_B : [])]);

/**
 * The stack on its picture as a run of one side: what energies, pixels, redundancy and ink take.
 * @param {FrozenStackState} state
 * @param {Side} side
 */
export const sideQuery = (state, side) => `${stackQuery(state, side === "b")}&side=${side}`;

/** @param {FrozenStackState} state */
export const dyeQuery = (state) => query(state, DYES[state.dye]);

/** The side that panels of one side tell of. @param {FrozenStackState} state @returns {Side} */
export const sideOf = ({ compare, side }) => (compare ? side : "a");

/** As if the grouping of side b were the first. @param {FrozenStackState} state @returns {FrozenStackState} */
export const swapped = (state) => ({ ...state, scheme: state.b_scheme, groups: state.b_groups, base: state.b_base, sizes: state.b_sizes });

/**
 * The split of a side.
 * @param {FrozenStackState} state
 * @param {Side} side
 * @returns {Span[]}
 */
export function spansOf(state, side) {
  const { scheme, groups, base, sizes, in_channels } = side === "a" ? state : swapped(state);
  return splitChannels({ scheme, groups, base, sizes, in_channels, out_channels: in_channels }).groups;
}

/**
 * By how many channels the groups of a module are moved.
 * @param {FrozenStackState} state
 * @param {number} module
 */
export const rotationOf = ({ mixing, in_channels }, module) =>
  mixing === "rotated" && module > 0 && module % 2 === 0 ? Math.floor(in_channels / 4) : 0;

/**
 * Whether what enters a module is halved just before.
 * @param {FrozenStackState} state
 * @param {number} module
 */
export const pooledAt = ({ downsample, stage }, module) => downsample !== "none" && module > 1 && (module - 1) % stage === 0;

/**
 * Height and width of what a module gives.
 * @param {FrozenStackState} state
 * @param {number} module
 */
export function sideLength({ size, downsample, stage }, module) {
  const halvings = downsample === "none" || module === 0 ? 0 : Math.floor((module - 1) / stage);
  return size >> halvings;
}

/**
 * The state after `patch`: groups move to what the channels allow, places to what there is.
 * @param {FrozenStackState} prev
 * @param {Partial<StackState>} patch
 * @returns {StackState}
 */
export function settle(prev, patch) {
  let next = { ...prev, ...patch };
  if (next.compare && !prev.compare && patch.scaling === undefined) next.scaling = "shared"; // only so A and B compare at a glance
  for (const prefix of /** @type {const} */ (["", "b_"])) next = { ...next, ...settledSplit(prev, next, prefix) };
  const last = next.in_channels - 1;
  next.module = Math.min(next.module, next.modules);
  next.film = next.film.filter((channel) => channel <= last);
  next.dye_channel = Math.min(next.dye_channel, last);
  next.dye_size = Math.min(next.dye_size, next.size);
  for (const key of /** @type {const} */ (["dye_row", "dye_column"])) next[key] = Math.min(next[key], next.size - next.dye_size);
  next.channel = Math.min(next.channel, last);
  const end = Math.max(0, sideLength(next, next.module) - 1);
  for (const key of /** @type {const} */ (["row", "column"])) next[key] = Math.min(next[key], end);
  if (next.selected !== null && next.selected >= Math.max(next.groups, next.b_groups)) next.selected = null;
  return next;
}

/**
 * @param {FrozenStackState} prev
 * @param {StackState} next
 * @param {""|"b_"} prefix
 * @returns {Partial<StackState>}
 */
function settledSplit(prev, next, prefix) {
  /** @param {FrozenStackState} state */
  const specOf = (state) => {
    const split = prefix ? swapped(state) : state;
    return { ...split, out_channels: split.in_channels };
  };
  const { sizes, groups } = settled(specOf(prev), specOf(next));
  return { [`${prefix}sizes`]: sizes, [`${prefix}groups`]: groups };
}

/**
 * @param {string} search
 * @param {import("./table.js").Params} params  the server's
 * @returns {{state: StackState, errors: {field: string, message: string}[]}}
 */
export function parseQuery(search, params) {
  const given = new URLSearchParams(search);
  /** @type {{field: string, message: string}[]} */
  const errors = [];
  const entries = KEYS.map((key) => {
    const text = given.get(key);
    const fallback = defaultOf(key, FROM_SERVER.has(/** @type {any} */ (key)) ? params : {});
    if (text === null || (key === "image" && text.trim() === "")) return [key, fallback];
    const value = readValue(key, text, key === "channel" ? {} : params); // the server knows no -1 for none
    if (value !== undefined && (key !== "film" || isFilm(value))) return [key, value];
    const shown = text.length > 24 ? `${text.slice(0, 24)}…` : text;
    errors.push({ field: key, message: `The link’s “${shown}” for ${params[key]?.label ?? key} is replaced by ${writeValue(key, fallback) || "none"}.` });
    return [key, fallback];
  });
  const asked = /** @type {StackState} */ ({ ...Object.fromEntries(entries), selected: null });
  const state = settledLink(asked);
  for (const key of /** @type {const} */ (["groups", "b_groups", "module", "sizes"])) {
    if (given.has(key) && writeValue(key, asked[key]) !== writeValue(key, state[key]) && (hasChoice(asked.scheme) || key !== "groups")) {
      errors.push({ field: key, message: `The link asks for ${writeValue(key, asked[key])}; ${writeValue(key, state[key]) || "none"} fits.` });
    }
  }
  return { state, errors };
}

/** @param {StackState} asked */
function settledLink(asked) {
  try {
    return settle(asked, {});
  } catch (error) {
    if (!(error instanceof Illegal)) throw error;
    return settle({ ...asked, scheme: "standard", b_scheme: "standard" }, {});
  }
}

/** @param {unknown} value */
const isFilm = (value) => Array.isArray(value) && value.length <= MOST_FILM && value.every((n) => Number.isSafeInteger(n) && n >= 0);

export const MOST_FILM = 8;

/**
 * Which channel each row of the film follows.
 * @param {FrozenStackState} state
 */
export function filmOf(state) {
  if (state.film.length) return state.film;
  return spansOf(state, sideOf(state)).slice(0, MOST_FILM).map(({ out_start }) => out_start);
}
