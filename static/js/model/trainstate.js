/**
 * The state of the page that trains: what would be trained, which run is on screen, how it is looked at; and its place in
 * the URL. What a network of some width may have, the server says: it alone solves the widths.
 *
 * @typedef {"standard"|"uniform"|"logarithmic"|"depthwise"} Arm
 * @typedef {object} TrainState
 * @property {Arm[]} arms  two to four, in the order of ARMS
 * @property {number} groups
 * @property {number} base
 * @property {number} width  channels of the standard arm
 * @property {"params"|"macs"|"channels"} hold
 * @property {number} modules
 * @property {number} stage
 * @property {boolean} residual
 * @property {"none"|"shuffle"|"pointwise"|"rotated"} mixing
 * @property {number} seeds
 * @property {number} seed  the first one
 * @property {number} epochs
 * @property {number} batch
 * @property {number} learning_rate
 * @property {number} momentum
 * @property {number} weight_decay
 * @property {"fashion-mnist"|"own"} data
 * @property {"steps"|"seconds"|"macs"} x  of the learning curves
 * @property {"loss"|"accuracy"} y
 * @property {Arm} confusion  whose confusion is shown
 * @property {Arm} arm  whose filters and blocks are shown
 * @property {number} module
 * @property {string} run  id of the run on screen, "" for none
 * @property {string} compare  id of the run whose curves lie under it
 * @typedef {keyof TrainState} TrainKey
 * @typedef {Readonly<TrainState>} FrozenTrainState
 * @typedef {import("../core/store.js").StoreOf<TrainState>} TrainStore
 */
import { createTable, row } from "./table.js";

export const ARMS = /** @type {Arm[]} */ (["standard", "uniform", "logarithmic", "depthwise"]);
const [LEAST_ARMS, MOST_ARMS] = [2, 4];

export const table = createTable(/** @type {Record<TrainKey, import("./table.js").Row>} */ ({
  arms: row("list", "standard,uniform,logarithmic", { choices: ARMS }),
  groups: row("int", 4, { min: 1 }),
  base: row("int", 2, { min: 2, max: 64 }),
  width: row("int", 16, { min: 1 }),
  hold: row("choice", "params", { choices: ["params", "macs", "channels"] }),
  modules: row("int", 3, { min: 1, max: 8 }),
  stage: row("int", 1, { min: 1 }),
  residual: row("bool", true),
  mixing: row("choice", "none", { choices: ["none", "shuffle", "pointwise", "rotated"] }),
  seeds: row("int", 1, { min: 1, max: 5 }),
  seed: row("int", 0, { min: 0 }),
  epochs: row("int", 3, { min: 1 }),
  batch: row("int", 100, { min: 1 }),
  learning_rate: row("real", 0.1, { min: 0 }),
  momentum: row("real", 0.9, { min: 0 }),
  weight_decay: row("real", 0.0005, { min: 0 }),
  data: row("choice", "fashion-mnist", { choices: ["fashion-mnist", "own"] }),
  x: row("choice", "steps", { choices: ["steps", "seconds", "macs"] }),
  y: row("choice", "accuracy", { choices: ["loss", "accuracy"] }),
  confusion: row("choice", "standard", { choices: ARMS }),
  arm: row("choice", "logarithmic", { choices: ARMS }),
  module: row("int", 1, { min: 1, max: 8 }),
  run: row("run", ""),
  compare: row("run", ""),
}));
const { KEYS, defaultOf, readValue, writeValue } = table;

/** What a run is asked for. */
const ASKED = KEYS.slice(0, KEYS.indexOf("x"));
/** What the page alone knows: the server's table, should it have these names, means something else. */
const OWN = new Set(KEYS.slice(KEYS.indexOf("x")));

/** @param {FrozenTrainState} state @param {readonly TrainKey[]} keys */
const query = (state, keys) =>
  keys.filter((key) => state[key] !== "")
    .map((key) => `${key}=${encodeURIComponent(writeValue(key, state[key])).replace(/%2C/g, ",")}`).join("&");

/** The page's URL and each panel's `data-painted`. @param {FrozenTrainState} state */
export const canonical = (state) => query(state, KEYS);

/** What a run is planned and started with. @param {FrozenTrainState} state */
export const runQuery = (state) => query(state, ASKED);

/**
 * The state after `patch`: as many arms as can be compared, and never a run under itself.
 * @param {FrozenTrainState} prev
 * @param {Partial<TrainState>} patch
 * @returns {TrainState}
 */
export function settle(prev, patch) {
  const next = { ...prev, ...patch };
  const arms = ARMS.filter((arm) => next.arms.includes(arm));
  const possible = arms.length >= LEAST_ARMS && arms.length <= MOST_ARMS;
  return { ...next, arms: possible ? arms : prev.arms, compare: next.compare === next.run ? "" : next.compare };
}

/**
 * @param {string} search
 * @param {import("./table.js").Params} params  the server's
 * @returns {{state: TrainState, errors: {field: string, message: string}[]}}
 */
export function parseQuery(search, params) {
  const given = new URLSearchParams(search);
  /** @type {{field: string, message: string}[]} */
  const errors = [];
  const entries = KEYS.map((key) => {
    const text = given.get(key);
    const known = OWN.has(key) ? {} : params;
    const fallback = defaultOf(key, known);
    const value = text === null ? fallback : readValue(key, text, known);
    if (value !== undefined && (key !== "arms" || value.length >= LEAST_ARMS)) return [key, value];
    const shown = String(text).slice(0, 40);
    errors.push({ field: key, message: `The link’s “${shown}” for ${params[key]?.label ?? key} is replaced by ${writeValue(key, fallback) || "none"}.` });
    return [key, fallback];
  });
  const state = /** @type {TrainState} */ (Object.fromEntries(entries));
  return { state: settle(state, {}), errors };
}

/**
 * Whether a run was asked for what `state` asks for; its query may have any order and leave out defaults.
 * @param {string} asked  its query
 * @param {FrozenTrainState} state
 * @param {import("./table.js").Params} params
 */
export const isRunOf = (asked, state, params) => runQuery(parseQuery(asked, params).state) === runQuery(state);
