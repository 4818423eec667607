/**
 * The state of the networks page, its place in the URL, and what the server is asked for it.
 *
 * @typedef {"keep"|"none"|"uniform"|"width"|"logarithmic"|"depthwise"|"root"} PolicyKind
 * @typedef {Record<string, Record<string, unknown>>} Edits  by layer, parameters in place of its own
 * @typedef {"params"|"macs"|"flops"|"activations"|"memory_access_bytes"|"arithmetic_intensity"} Metric
 * @typedef {object} Subject  one network with what is done to it
 * @property {unknown} network  an id, or a whole document
 * @property {Record<string, unknown>|null} policy
 * @property {string} hold
 * @property {Edits} edits
 * @typedef {object} NetworkState
 * @property {string} network  id, or "own"
 * @property {PolicyKind} policy
 * @property {number} groups
 * @property {number} width
 * @property {number} base
 * @property {"spatial"|"all"} scope
 * @property {"channels"|"params"|"macs"} hold
 * @property {Edits} edits
 * @property {Pin[]} pins  further curves in the chart
 * @property {Metric} metric
 * @property {boolean} cumulative
 * @property {boolean} log
 * @property {"weighted"|"all"} layers
 * @property {number} batch
 * @property {"float32"|"float16"|"bfloat16"} dtype
 * @property {"sgd"|"momentum"|"adam"} optimizer
 * @property {number} budget  GiB
 * @property {number} devices
 * @property {"weights"|"macs"|"activations"} growth
 * @property {boolean} halve
 * @property {number} doublings
 * @property {number} channels  of the growth's first stage, and of the split beside the law
 * @property {number} n  groups there
 * @property {number} group_width  where that is what stays fixed
 * @property {number} log_base
 * @property {number|null} selected  index of the layer under the pointer; not part of the URL
 * @property {import("./own.js").NetworkDocument|null} document  of the reader's own network; not part of the URL
 * @typedef {Pick<Subject, "policy"|"hold"|"edits"> & {network: string}} Pin
 * @typedef {Exclude<keyof NetworkState, "selected"|"document">} NetworkKey
 * @typedef {Readonly<NetworkState>} FrozenNetworkState
 * @typedef {import("../core/store.js").StoreOf<NetworkState>} NetworkStore
 */
import { SCHEMES } from "./parameters.js";
import { createTable, row } from "./table.js";

export const OWN = "own";
export const MOST_PINS = 6;
export const MAIN_KINDS = new Set(["Conv2d", "Linear"]); // of layers that have MACs

const TABLE = /** @type {Record<NetworkKey, import("./table.js").Row>} */ ({
  network: row("word", "alexnet-2012"),
  policy: row("choice", "logarithmic", { choices: ["keep", "none", "uniform", "width", "logarithmic", "depthwise", "root"] }),
  groups: row("int", 4, { min: 1, max: 1024, label: "Groups" }),
  width: row("int", 32, { min: 1, max: 1024, label: "Group width" }),
  base: row("int", 2, { min: 2, max: 64, label: "Base" }),
  scope: row("choice", "spatial", { choices: ["spatial", "all"] }),
  hold: row("choice", "channels", { choices: ["channels", "params", "macs"] }),
  edits: row("json", {}),
  pins: row("json", []),
  metric: row("choice", "macs", {
    choices: ["params", "macs", "flops", "activations", "memory_access_bytes", "arithmetic_intensity"],
  }),
  cumulative: row("bool", false),
  log: row("bool", true),
  layers: row("choice", "weighted", { choices: ["weighted", "all"] }),
  batch: row("int", 128, { min: 1, max: 1_000_000, label: "Batch" }),
  dtype: row("choice", "float32", { choices: ["float32", "float16", "bfloat16"] }),
  optimizer: row("choice", "momentum", { choices: ["sgd", "momentum", "adam"] }),
  budget: row("number", 3, { min: 0.001, max: 100_000, label: "Memory" }),
  devices: row("int", 2, { min: 1, max: 64, label: "Devices" }),
  growth: row("choice", "macs", { choices: ["weights", "macs", "activations"] }),
  halve: row("bool", true),
  doublings: row("int", 4, { min: 1, max: 8, label: "Doublings" }),
  channels: row("int", 64, { min: 1, max: 2048, label: "Channels" }),
  n: row("int", 4, { min: 1, max: 64, label: "Groups" }),
  group_width: row("int", 16, { min: 1, max: 1024, label: "Group width" }),
  log_base: row("int", 2, { min: 2, max: 64, label: "Base" }),
});

export const networkTable = createTable(TABLE);
const { KEYS, defaultOf, readValue, writeValue } = networkTable;

/**
 * The whole view in one fixed order: the page's URL and each panel's `data-painted`.
 * @param {FrozenNetworkState} state
 */
export const canonical = (state) =>
  String(new URLSearchParams(KEYS.map((key) => [key, writeValue(key, state[key])])));

/**
 * @param {string} search
 * @param {readonly string[]} ids  of the networks there are, OWN included where the reader has one
 * @param {import("./own.js").NetworkDocument|null} [document]
 * @returns {{state: NetworkState, errors: {field: string, message: string}[]}}
 */
export function parseQuery(search, ids, document = null) {
  const query = new URLSearchParams(search);
  /** @type {{field: string, message: string}[]} */
  const errors = [];
  const entries = KEYS.map((key) => {
    const text = query.get(key);
    const fallback = defaultOf(key, {});
    const value = text === null ? fallback : readValue(key, text, {});
    if (value !== undefined && fits(key, value, ids)) return [key, value];
    const shown = (text ?? "").length > 24 ? `${text?.slice(0, 24)}…` : text;
    const used = key === "edits" || key === "pins" ? "none" : writeValue(key, fallback);
    if (text === OWN) {
      errors.push({ field: key, message: `The link is of a network that its sender keeps in a browser; ${used} is shown.` });
    } else errors.push({ field: key, message: `The link’s “${shown}” for ${key} is replaced by ${used}.` });
    return [key, fallback];
  });
  return { state: { ...Object.fromEntries(entries), selected: null, document }, errors };
}

/**
 * @param {NetworkKey} key
 * @param {any} value
 * @param {readonly string[]} ids
 */
function fits(key, value, ids) {
  if (key === "network") return ids.includes(value);
  if (key === "edits") return isEdits(value);
  if (key === "pins") return Array.isArray(value) && value.length <= MOST_PINS && value.every((pin) => isPin(pin, ids));
  return true;
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isPlain = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {Record<string, any>} value @param {readonly string[]} names */
const hasOnly = (value, names) => Object.keys(value).every((name) => names.includes(name));

/** @param {unknown} value */
const isCount = (value) => value === undefined || Number.isSafeInteger(value);

/** A pair of whole numbers. @param {unknown} value */
const isPair = (value) => Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger);

/** @param {unknown} value */
const isGrouping = (value) =>
  isPlain(value) && hasOnly(value, ["scheme", "groups", "base", "sizes"]) && SCHEMES.includes(value.scheme) &&
  isCount(value.groups) && isCount(value.base) && (value.scheme !== "custom") === (value.sizes === undefined) &&
  (value.sizes === undefined || (Array.isArray(value.sizes) && value.sizes.every(isPair)));

/** What a form can send, and a link so can carry. @param {unknown} value @returns {value is Edits} */
const isEdits = (value) =>
  isPlain(value) && Object.values(value).every((edit) => isPlain(edit) && Object.entries(edit).every(([name, parameter]) =>
    name === "grouping" ? isGrouping(parameter) : isPair(parameter) || Number.isFinite(parameter) || ["string", "boolean"].includes(typeof parameter)));

/** @param {unknown} value */
const isPolicy = (value) =>
  value === null || (isPlain(value) && hasOnly(value, ["kind", "groups", "width", "base", "scope"]) &&
    value.kind !== "keep" && choicesOf("policy").includes(value.kind) && choicesOf("scope").includes(value.scope) &&
    [value.groups, value.width, value.base].every(isCount));

/** A network of one's own is in no link. @param {unknown} value @param {readonly string[]} ids */
const isPin = (value, ids) =>
  isPlain(value) && hasOnly(value, ["network", "policy", "hold", "edits"]) && value.network !== OWN && ids.includes(value.network) &&
  isPolicy(value.policy) && choicesOf("hold").includes(value.hold) && isEdits(value.edits);

/** @param {NetworkKey} key */
const choicesOf = (key) => TABLE[key].choices ?? [];

/**
 * The policy as the server takes it: only the numbers that this kind has.
 * @param {FrozenNetworkState} state
 * @returns {Record<string, unknown>|null}
 */
export function policyOf({ policy, groups, width, base, scope }) {
  switch (policy) {
    case "keep": return null;
    case "uniform": case "root": return { kind: policy, groups, scope };
    case "width": return { kind: policy, width, scope };
    case "logarithmic": return { kind: policy, groups, base, scope };
    default: return { kind: policy, scope };
  }
}

/**
 * @param {FrozenNetworkState} state
 * @returns {Pin}
 */
export const pinOf = (state) => ({ network: state.network, policy: policyOf(state), hold: state.hold, edits: state.edits });

/**
 * What is done to a network, in words: `logarithmic n = 4, params held, 2 edits`.
 * @param {Pick<Subject, "policy"|"hold"|"edits">} subject
 */
export function changesText({ policy, hold, edits }) {
  const count = Object.keys(edits ?? {}).length;
  const parts = [
    policy && policyText(policy),
    count > 0 && `${count} ${count === 1 ? "layer" : "layers"} edited`,
    (policy || count > 0) && hold && hold !== "channels" && `${hold === "macs" ? "MACs" : hold} held`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** @param {Record<string, any>} policy */
export function policyText({ kind, groups, width, base, scope }) {
  const names = /** @type {Record<string, string>} */ ({
    none: "standard",
    uniform: `uniform n = ${groups}`,
    width: `groups of ${width}`,
    logarithmic: `logarithmic n = ${groups}${base === 2 || base === undefined ? "" : `, base ${base}`}`,
    depthwise: "depthwise",
    root: `root-${groups}`,
  });
  return `${names[kind]}${scope === "all" ? ", 1 × 1 too" : ""}`;
}
