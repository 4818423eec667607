/**
 * What the page calls things of a stack, in words that several panels use.
 *
 * @typedef {import("./stackstate.js").FrozenStackState} State
 * @typedef {import("./stackstate.js").Side} Side
 */
import { counted, number } from "./format.js";
import { runsOf } from "./grouping.js";
import { spansOf } from "./stackstate.js";
import { weightsText } from "./weightwords.js";

/** @type {Record<State["normalisation"], string>} */
const NORMALISATIONS = { none: "no normalisation", conv: "normalisation of the convolution", sum: "normalisation of the sum" };
/** @type {Record<State["mixing"], string>} */
const MIXINGS = { none: "no mixing", shuffle: "channel shuffle", pointwise: "1 × 1 convolution between modules", rotated: "split rotated in every second module" };
/** @type {Record<State["scaling"], string>} */
const SCALES = { map: "each map", group: "each group", shared: "all maps" };
const MOST_RUNS = 4; // of a custom split, that a line has room for

/** @param {State} state @param {Side} side */
export function splitName({ scheme, groups, b_scheme, b_groups }, side) {
  const [name, n] = side === "a" ? [scheme, groups] : [b_scheme, b_groups];
  return name === "standard" || name === "depthwise" ? name : `${name} n\u202f=\u202f${n}`;
}

/**
 * The split's name with what makes it: the base, the sizes.
 * @param {State} state
 * @param {Side} side
 */
function wholeSplit(state, side) {
  const [scheme, base] = side === "a" ? [state.scheme, state.base] : [state.b_scheme, state.b_base];
  const name = splitName(state, side);
  if (scheme === "logarithmic") return `${name}, base ${base}`;
  if (scheme !== "custom") return name;
  const runs = runsOf(spansOf(state, side)).map(([count, ins, outs]) => `${count > 1 ? `${number(count)} of ` : ""}${ins} × ${outs}`);
  return `${name} (${runs.slice(0, MOST_RUNS).join(", ")}${runs.length > MOST_RUNS ? " and so on" : ""})`;
}

/**
 * All that a picture of a module's maps depends on, in lines: which stack, what it does, what is shown of it.
 * @param {State} state
 * @param {import("./weightwords.js").Told} [network]  whose weights they are, where they are trained and it is known
 * @returns {string[]}
 */
export function pictureLines(state, network) {
  const { modules, in_channels, size, residual, kernel_size, dilation, bias, relu, normalisation, mixing, downsample, stage } = state;
  const split = state.compare ? `A: ${wholeSplit(state, "a")}; B: ${wholeSplit(state, "b")}` : wholeSplit(state, "a");
  const spread = dilation.some((d) => d > 1) ? `, dilation ${dilation.join(" × ")}` : "";
  const pooling = downsample === "none" ? [] : [`2 × 2 ${downsample} pooling after every ${counted(stage, "module")}`];
  const each = [residual ? "residual" : "no residual", relu ? "ReLU" : "no ReLU", NORMALISATIONS[normalisation], MIXINGS[mixing], ...pooling];
  const place = state.module === 0 ? "stem" : `module ${state.module}, ${state.point}`;
  return [
    `${counted(modules, "module")} of ${counted(in_channels, "channel")}, ${kernel_size.join(" × ")}${spread}${bias ? "" : ", no bias"}, ${split}`,
    each.join(" · "),
    `${place} · size ${number(size)} · one scale for ${SCALES[state.scaling]} · ${state.colours}${state.compare ? ", A − B diverging" : ""}`,
    state.weights === "trained" ? weightsText(state, network) : `weights ${state.weights}, seed ${state.seed}, gain ${state.gain}, untrained`,
  ];
}

/**
 * The notes of both sides, each once: whose it is stands before it where the two differ.
 * @param {readonly string[]} a
 * @param {readonly string[]|null} b  null: there is no other side
 */
export function notesBeside(a, b) {
  if (!b) return [...a];
  const both = new Set(a.filter((note) => b.includes(note)));
  const own = /** @type {const} */ ([["A", a], ["B", b]]);
  return [...both, ...own.flatMap(([side, notes]) => notes.filter((note) => !both.has(note)).map((note) => `${side}: ${note}`))];
}
