/**
 * Property tables of a page's state: how each value is read and written, in the order of the URL.
 * Ranges, defaults, labels and help sentences come from the server's table; a row holds where that is silent.
 *
 * @typedef {"int"|"number"|"pair"|"bool"|"choice"|"list"|"real"|"sizes"|"hash"|"run"|"id"|"word"|"json"} Kind
 * @typedef {object} Param
 * @property {string} [kind]
 * @property {unknown} [default]
 * @property {number|null} [min]
 * @property {number|null} [max]
 * @property {readonly string[]|null} [choices]
 * @property {string|null} [label]
 * @property {string|null} [help]
 * @typedef {Record<string, Param>} Params
 * @typedef {Param & {kind: Kind}} Row
 */

/**
 * @template {string} K
 * @typedef {ReturnType<typeof createTable<K>>} Table
 */

/**
 * @param {Kind} kind
 * @param {unknown} value
 * @param {Partial<Param>} [rest]
 */
export const row = (kind, value, rest = {}) => ({ ...rest, kind, default: value });

/**
 * @param {string} text
 * @param {Param} param
 * @returns {number|undefined}
 */
function readInt(text, { min, max }) {
  if (!/^-?\d{1,15}$/.test(text)) return undefined;
  const value = Number(text) + 0; // never -0
  return value < (min ?? -Infinity) || value > (max ?? Infinity) ? undefined : value;
}

/**
 * With decimals, such as 1.5.
 * @param {string} text
 * @param {Param} param
 * @returns {number|undefined}
 */
function readNumber(text, { min, max }) {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) return undefined;
  const value = Number(text);
  return value < (min ?? -Infinity) || value > (max ?? Infinity) ? undefined : value;
}

/**
 * As people write a rate, 0.1 or 5e-4, and programs, 0.30000000000000004.
 * @param {string} text
 * @param {Param} param
 * @returns {number|undefined}
 */
function readReal(text, { min, max }) {
  if (!/^\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?$/i.test(text)) return undefined;
  const value = Number(text);
  return value < (min ?? -Infinity) || value > (max ?? Number.MAX_VALUE) ? undefined : value;
}

/**
 * Several of the choices, each once and in their order: `standard,uniform`.
 * @param {string} text
 * @param {Param} param
 * @returns {string[]|undefined}
 */
function readList(text, { choices }) {
  const parts = text.split(",").map((part) => part.trim());
  return parts.every((part) => choices?.includes(part)) ? choices?.filter((choice) => parts.includes(choice)) : undefined;
}

/** @type {Record<Kind, (text: string, param: Param) => unknown>} */
const READERS = {
  int: readInt,
  number: readNumber,
  pair(text, param) {
    const parts = text.split(",").map((part) => readInt(part.trim(), param));
    if (parts.length > 2 || parts.includes(undefined)) return undefined;
    return [parts[0], parts[parts.length - 1]];
  },
  bool: (text) => new Map([["true", true], ["1", true], ["false", false], ["0", false]]).get(text.toLowerCase()),
  choice: (text, { choices }) => (choices?.includes(text) ? text : undefined),
  list: readList,
  real: readReal,
  sizes: readSizes,
  hash: (text) => (/^([0-9a-f]{64})?$/.test(text) ? text : undefined),
  run: (text) => (/^([0-9a-f]{32})?$/.test(text) ? text : undefined),
  id: (text) => (/^([0-9a-z]{1,64}(-[0-9a-z]{1,20}){0,3})?$/.test(text) ? text : undefined),
  word: (text) => (/^[a-z0-9][a-z0-9.-]{0,63}$/.test(text) ? text : undefined),
  json: readJson,
};

/**
 * An object or a list, as deep as it may be: what it means its owner checks.
 * @param {string} text
 */
function readJson(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

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
 * @template {string} K
 * @param {Record<K, Row>} rows  in the order of the URL
 */
export function createTable(rows) {
  /**
   * The row of a parameter: the server's limits over the page's own.
   * @param {K} key
   * @param {Params} params
   * @returns {Row}
   */
  function paramOf(key, params) {
    const given = Object.entries(params[key] ?? {}).filter(([, value]) => value !== null && value !== undefined);
    return { ...rows[key], ...Object.fromEntries(given), kind: rows[key].kind };
  }

  /**
   * @param {K} key
   * @param {string} text
   * @param {Params} params
   * @returns {any} the typed value, or undefined where the text is none
   */
  function readValue(key, text, params) {
    const param = paramOf(key, params);
    return READERS[param.kind](text.trim(), param);
  }

  /**
   * @param {K} key
   * @param {any} value
   * @returns {string} as it stands in the URL
   */
  function writeValue(key, value) {
    const { kind } = rows[key];
    if (kind === "sizes") return value.map((/** @type {number[]} */ pair) => pair.join("x")).join(",");
    return kind === "json" ? JSON.stringify(value) : String(value);
  }

  /**
   * @param {K} key
   * @param {Params} params
   * @returns {any}
   */
  function defaultOf(key, params) {
    const { default: fallback, kind } = paramOf(key, params);
    const text = kind === "json" ? JSON.stringify(fallback) : String(fallback ?? "");
    return readValue(key, text, params) ?? readValue(key, String(rows[key].default), {});
  }

  return { KEYS: /** @type {K[]} */ (Object.keys(rows)), rows, paramOf, readValue, writeValue, defaultOf };
}
