/**
 * The property table of the page's state: order in the URL, kind, and how a value is read and written.
 * Ranges, defaults, labels and help sentences come from the server's table; what is here holds where it is silent.
 *
 * @typedef {import("../core/store.js").State} State
 * @typedef {Exclude<keyof State, "selected">} Key
 * @typedef {"int"|"pair"|"bool"|"choice"|"sizes"|"hash"} Kind
 * @typedef {object} Param
 * @property {string} [kind]
 * @property {unknown} [default]
 * @property {number|null} [min]
 * @property {number|null} [max]
 * @property {readonly string[]|null} [choices]
 * @property {string|null} [label]
 * @property {string|null} [help]
 * @typedef {Record<string, Param>} Params
 */

/**
 * @param {Kind} kind
 * @param {unknown} value
 * @param {Partial<Param>} [rest]
 */
const row = (kind, value, rest = {}) => ({ ...rest, kind, default: value });

/** In the canonical order of the URL. */
export const TABLE = /** @type {Record<Key, Param & {kind: Kind}>} */ ({
  image: row("hash", ""),
  size: row("int", 224, { min: 1 }),
  in_channels: row("int", 64, { min: 1 }),
  out_channels: row("int", 64, { min: 1 }),
  kernel_size: row("pair", "3,3", { min: 1 }),
  stride: row("pair", "1,1", { min: 1 }),
  padding: row("pair", "1,1", { min: 0 }),
  dilation: row("pair", "1,1", { min: 1 }),
  bias: row("bool", true),
  scheme: row("choice", "logarithmic", { choices: ["standard", "uniform", "logarithmic", "depthwise", "custom"] }),
  groups: row("int", 4, { min: 1 }),
  base: row("int", 2, { min: 2, max: 64 }),
  sizes: row("sizes", ""),
  weights: row("choice", "filter-bank", { choices: ["filter-bank", "random"] }),
  seed: row("int", 0, { min: 0 }),
  gain: row("choice", "cut", { choices: ["cut", "fan-in"] }),
  relu: row("bool", true),
  scaling: row("choice", "map", { choices: ["map", "group", "shared"] }),
  unit: row("choice", "macs", { choices: ["macs", "flops"] }),
  depth: row("int", 16, { min: 1, max: 64 }),
  stage: row("int", 4, { min: 1, max: 64 }),
  halve: row("bool", true),
  metric: row("choice", "macs", { choices: ["params", "macs", "flops"] }),
  cumulative: row("bool", false),
  log: row("bool", true),
});

export const KEYS = /** @type {Key[]} */ (Object.keys(TABLE));

/**
 * The row of a parameter: the server's limits over the page's own.
 * @param {Key} key
 * @param {Params} params
 * @returns {Param & {kind: Kind}}
 */
export function paramOf(key, params) {
  const given = Object.entries(params[key] ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return { ...TABLE[key], ...Object.fromEntries(given), kind: TABLE[key].kind };
}

/**
 * @param {string} text
 * @param {Param} param
 * @returns {number|undefined}
 */
function readInt(text, { min, max }) {
  if (!/^-?\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value < (min ?? -Infinity) || value > (max ?? Infinity) ? undefined : value;
}

/** @type {Record<Kind, (text: string, param: Param) => unknown>} */
const READERS = {
  int: readInt,
  pair(text, param) {
    const parts = text.split(",").map((part) => readInt(part.trim(), param));
    if (parts.length > 2 || parts.includes(undefined)) return undefined;
    return [parts[0], parts[parts.length - 1]];
  },
  bool: (text) => ({ true: true, false: false, 1: true, 0: false })[text.toLowerCase()],
  choice: (text, { choices }) => (choices?.includes(text) ? text : undefined),
  sizes: readSizes,
  hash: (text) => (/^([0-9a-f]{64})?$/.test(text) ? text : undefined),
};

/**
 * `32x32,16x16` to [[32, 32], [16, 16]].
 * @param {string} text
 * @returns {import("../core/store.js").Pair[]|undefined}
 */
function readSizes(text) {
  const compact = text.replace(/\s+/g, "").replace(/×/g, "x");
  if (compact === "") return [];
  if (!/^[1-9]\d{0,5}x[1-9]\d{0,5}(,[1-9]\d{0,5}x[1-9]\d{0,5})*$/.test(compact)) return undefined;
  return compact.split(",").map((item) => {
    const [a, b] = item.split("x").map(Number);
    return [a, b];
  });
}

/**
 * @param {Key} key
 * @param {string} text
 * @param {Params} params
 * @returns {any} the typed value, or undefined where the text is none
 */
export function readValue(key, text, params) {
  const param = paramOf(key, params);
  return READERS[param.kind](text.trim(), param);
}

/**
 * @param {Key} key
 * @param {any} value
 * @returns {string} as it stands in the URL
 */
export function writeValue(key, value) {
  if (TABLE[key].kind === "sizes") return value.map((/** @type {number[]} */ pair) => pair.join("x")).join(",");
  return String(value);
}

/**
 * @param {Key} key
 * @param {Params} params
 * @returns {any}
 */
export function defaultOf(key, params) {
  const text = String(paramOf(key, params).default);
  return readValue(key, text, params) ?? readValue(key, String(TABLE[key].default), {});
}
