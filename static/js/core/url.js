/**
 * State to query and back. A link carries the whole view; what it gets wrong is reported and replaced.
 *
 * @typedef {import("./store.js").State} State
 * @typedef {import("../model/params.js").Params} Params
 * @typedef {import("../model/params.js").Key} Key
 * @typedef {{field: Key, message: string}} LinkError
 */
import { number } from "../model/format.js";
import { KEYS, defaultOf, paramOf, readValue, writeValue } from "../model/params.js";

const LAYER = /** @type {Key[]} */ ([
  "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "bias",
  "scheme", "groups", "base", "sizes",
]);
const STACK = /** @type {Key[]} */ ([
  "image", "size", "in_channels", "kernel_size", "dilation", "bias", "scheme", "groups", "base", "sizes", "relu", "weights",
  "checkpoint", "seed", "gain", "scaling",
]);
const MAPS = /** @type {Key[]} */ (["image", "size", ...LAYER, "weights", "checkpoint", "seed", "gain", "relu"]);

/**
 * Key by key; what depends on several keys at once is settled by model/settle.js.
 * @param {string} search  with or without the question mark
 * @param {Params} params
 * @param {readonly {id: string, name: string}[]} [pictures]  that have a name
 * @returns {{state: State, errors: LinkError[]}}
 */
export function parseQuery(search, params, pictures = []) {
  const query = new URLSearchParams(search);
  /** @type {LinkError[]} */
  const errors = [];
  const entries = KEYS.map((key) => {
    const given = query.get(key);
    const text = key === "image" && given?.trim() === "" ? null : given; // no picture is what canonical() leaves out
    const value = text === null ? undefined : readValue(key, text, params);
    if (text !== null && value === undefined) errors.push(complaint(key, text, params, pictures));
    return [key, value ?? defaultOf(key, params)];
  });
  return { state: { ...Object.fromEntries(entries), selected: null }, errors };
}

/**
 * @param {Key} key
 * @param {string} text
 * @param {Params} params
 * @param {readonly {id: string, name: string}[]} pictures
 * @returns {LinkError}
 */
function complaint(key, text, params, pictures) {
  const { label, min, max } = paramOf(key, params);
  const shown = text.length > 24 ? `${text.slice(0, 24)}…` : text;
  const name = label ?? key.replaceAll("_", " ");
  const range = min != null && max != null ? ` (${number(min)} to ${number(max)})` : "";
  const used = inWords(key, defaultOf(key, params), pictures);
  return { field: key, message: `The link’s “${shown}” for ${name}${range} is replaced by ${used}.` };
}

/**
 * @param {Key} key
 * @param {any} value
 * @param {readonly {id: string, name: string}[]} pictures
 */
function inWords(key, value, pictures) {
  if (key === "image") {
    const sample = pictures.find(({ id }) => id === value);
    return sample ? `the sample “${sample.name}”` : "a sample";
  }
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "on" : "off";
  return writeValue(key, value) || "none";
}

/**
 * @param {State} state
 * @param {readonly Key[]} keys
 */
function query(state, keys) {
  return keys
    .filter((key) => told(state, key))
    .map((key) => `${key}=${writeValue(key, state[key])}`)
    .join("&");
}

/** @param {State} state @param {Key} key */
function told(state, key) {
  if (key === "sizes") return state.scheme === "custom";
  if (key === "checkpoint") return state.weights === "trained" && state.checkpoint !== "";
  return key !== "image" || state.image !== "";
}

/**
 * The whole view in one fixed order: the page's URL and each panel's `data-painted`.
 * @param {State} state
 */
export const canonical = (state) => query(state, KEYS);

/**
 * What GET /api/layer takes, without height and width.
 * @param {State} state
 */
export const layerQuery = (state) => query(state, LAYER);

/**
 * What GET /api/feature-maps takes, without dtype, tile and channels.
 * @param {State} state
 */
export const mapsQuery = (state) => query(state, MAPS);

/**
 * The page that shows a stack of such layers; null where layers of this kind can't stand behind one another.
 * @param {State} state
 */
export function stackLink(state) {
  const { in_channels, out_channels, kernel_size, stride, dilation } = state;
  const keeps = kernel_size.every((k, i) => stride[i] === 1 && (dilation[i] * (k - 1)) % 2 === 0);
  if (in_channels !== out_channels || !keeps) return null;
  return `/stack?${query(state, STACK)}&residual=false`;
}

/**
 * What GET /api/depth takes.
 * @param {State} state
 */
export function depthQuery(state) {
  const frame = `height=${state.size}&width=${state.size}`;
  const head = query(state, ["in_channels", "kernel_size", "bias"]);
  return `${head}&${frame}&${query(state, ["groups", "base", "depth", "stage", "halve"])}`;
}
