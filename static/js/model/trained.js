/**
 * Trained networks beside what is on screen: what a page has to become to look through one, and in what it is not the
 * network as trained. The words are those of compute.trained; one table of cases holds both.
 *
 * @typedef {import("../core/store.js").FrozenState} LayerState
 * @typedef {import("./stackstate.js").FrozenStackState} StackState
 * @typedef {import("../core/store.js").Scheme} Scheme
 * @typedef {object} TrainedStack
 * @property {number} in_channels
 * @property {Scheme} scheme
 * @property {number} groups
 * @property {number|null} base
 * @property {[number, number][]|null} sizes
 * @property {number} modules
 * @property {boolean} residual
 * @property {"none"|"shuffle"|"pointwise"|"rotated"} mixing
 * @property {"none"|"average"|"max"} downsample
 * @property {number} stage
 * @property {[number, number]} kernel_size
 * @typedef {object} Entry  of GET /api/checkpoints
 * @property {string} id
 * @property {"shipped"|"run"|"upload"} origin
 * @property {string} name
 * @property {string} sentence
 * @property {string} query
 * @property {string} layer_query
 * @property {string|null} arm
 * @property {number|null} seed
 * @property {string|null} date
 * @property {number|null} accuracy
 * @property {{name: string|null, channels: number, side: number[]|null, named: boolean}} data
 * @property {TrainedStack} stack
 */
import { splitChannels } from "./grouping.js";

const GROUPS = /** @type {const} */ ([["shipped", "That ship with Groupscope"], ["run", "Trained here"], ["upload", "Brought"]]);

/**
 * The networks in the groups of a list, empty ones left out.
 * @param {readonly Entry[]} entries
 */
export const inGroups = (entries) =>
  GROUPS.map(([origin, label]) => ({ label, entries: entries.filter((entry) => entry.origin === origin) })).filter((group) => group.entries.length);

/**
 * The one that a page with this split begins with.
 * @param {readonly Entry[]} entries
 * @param {string} checkpoint  that it had before
 * @param {Scheme} scheme
 */
export const preferred = (entries, checkpoint, scheme) =>
  entries.find(({ id }) => id === checkpoint) ?? entries.find(({ stack }) => stack.scheme === scheme) ?? entries[0];

/**
 * A name that tells networks of one run apart.
 * @param {Entry} entry
 */
export function optionText({ name, origin, arm, seed, date, accuracy }) {
  if (origin !== "run") return name;
  const facts = [arm, seed === null ? null : `seed ${seed}`, accuracy === null ? null : `${(100 * accuracy).toFixed(1)}\u202f%`, date];
  return facts.some(Boolean) ? facts.filter(Boolean).join(", ") : name;
}

/**
 * What its data were, where pictures look another way to it than to the page.
 * @param {Entry} entry
 */
export function eyeText({ data: { channels, side, named } }) {
  const pictures = `${side ? `${side[0]} × ${side[1]} ` : ""}${channels === 1 ? "grey" : "colour"} pictures`;
  const own = named ? "" : " Its file does not say how they were standardised: the mean and deviation of ImageNet are taken.";
  return `It saw ${pictures}; here it sees yours${channels === 1 ? " in grey" : ""}, at the size you choose.${own}`;
}

/** @param {string} search @param {string} query  that goes before it */
export function merged(search, query) {
  const all = new URLSearchParams(search);
  for (const [key, value] of new URLSearchParams(query)) all.set(key, value);
  return all.toString();
}

/**
 * Which weights of the stack on screen the network lacks; null where it has them all.
 * @param {StackState} state
 * @param {Entry} entry
 */
export function stackLacks(state, { stack }) {
  if (state.modules > stack.modules) return `The network has ${stack.modules} modules, not ${state.modules}.`;
  if (state.mixing === "pointwise" && state.modules > 1 && stack.mixing !== "pointwise") return "The network has no 1 × 1 convolutions between its modules.";
  return lacks(state.in_channels, state.kernel_size, stack);
}

/**
 * @param {LayerState} state
 * @param {Entry} entry
 */
export const layerLacks = (state, { stack }) => lacks(Math.max(state.in_channels, state.out_channels), state.kernel_size, stack);

/**
 * @param {number} channels
 * @param {readonly [number, number]} kernel
 * @param {TrainedStack} stack
 */
function lacks(channels, kernel, stack) {
  if (channels > stack.in_channels) return `The network has ${stack.in_channels} channels, not ${channels}.`;
  return equal(kernel, stack.kernel_size) ? null : `The network has kernels of ${sized(stack.kernel_size)}, not ${sized(kernel)}.`;
}

/**
 * In what the stack on screen is not the network as trained: a few words each.
 * @param {StackState} state
 * @param {Entry} entry
 */
export function stackDifferences(state, { stack }) {
  const common = Math.min(state.modules, stack.modules); // between modules counts what both have
  return [
    ...words("channels", state.in_channels, stack.in_channels),
    ...splitWords({ ...state, out_channels: state.in_channels }, stack),
    ...words("modules", state.modules, stack.modules),
    ...words("residual", on(state.residual), on(stack.residual)),
    ...(common > 1 ? words("mixing", state.mixing, stack.mixing) : []),
    ...words("downsampling", pooling(state, common), pooling(stack, common)),
    ...words("dilation", sized(state.dilation), "1 × 1"),
    ...words("normalisation", state.normalisation, "none"),
    ...words("bias", on(state.bias), "on"),
    ...words("ReLU", on(state.relu), "on"),
  ];
}

/**
 * The layer beside the convolution of the network's first module.
 * @param {LayerState} state
 * @param {Entry} entry
 */
export const layerDifferences = (state, { stack }) => [
  ...words("input channels", state.in_channels, stack.in_channels),
  ...words("output channels", state.out_channels, stack.in_channels),
  ...splitWords(state, stack),
  ...words("stride", sized(state.stride), "1 × 1"),
  ...words("padding", sized(state.padding), sized(/** @type {[number, number]} */ (stack.kernel_size.map((k) => (k - 1) / 2)))),
  ...words("dilation", sized(state.dilation), "1 × 1"),
  ...words("bias", on(state.bias), "on"),
  ...words("ReLU", on(state.relu), on(!stack.residual), stack.residual ? ", for what enters is added first" : ""),
];

/**
 * @param {{scheme: Scheme, groups: number, base: number, sizes: [number, number][], in_channels: number, out_channels: number}} seen
 * @param {TrainedStack} stack
 */
function splitWords(seen, stack) {
  const trained = { ...stack, base: stack.base ?? 2, sizes: stack.sizes ?? [], out_channels: stack.in_channels };
  return shape(seen) === shape(trained) ? [] : words("split", named(seen), named(trained));
}

/** @param {Parameters<typeof splitChannels>[0]} split */
const shape = (split) => splitChannels(split).groups.map((g) => `${g.in_channels}x${g.out_channels}`).join();

/** @param {{scheme: Scheme, groups: number, base: number}} split */
function named({ scheme, groups, base }) {
  if (scheme === "standard" || scheme === "depthwise") return scheme;
  const rest = scheme === "logarithmic" && base !== 2 ? ` of base ${base}` : "";
  return `${scheme} into ${groups} ${groups === 1 ? "group" : "groups"}${rest}`;
}

/** Where there is none up to the last of `modules`, the stage says nothing. @param {{downsample: string, stage: number}} stack @param {number} modules */
const pooling = ({ downsample, stage }, modules) => (downsample === "none" || modules <= stage ? "none" : `${downsample} every ${stage}`);

/**
 * @param {string} what
 * @param {string|number} seen
 * @param {string|number} trained
 */
const words = (what, seen, trained, why = "") => (seen === trained ? [] : [`${what} ${seen}, trained with ${trained}${why}`]);

/** @param {boolean} value */
const on = (value) => (value ? "on" : "off");

/** @param {readonly [number, number]} pair */
const sized = ([h, w]) => `${h} × ${w}`;

/** @param {readonly number[]} a @param {readonly number[]} b */
const equal = (a, b) => a.every((value, i) => value === b[i]);
