/**
 * What the page that trains says in words: shares, states, what the latest look at the networks shows.
 *
 * @typedef {object} LookGroup
 * @property {number} index
 * @property {number} in_channels
 * @property {number} out_channels
 * @property {number} weight_energy  share of the module's
 * @property {number} weight_rms
 * @property {number} activation_energy  share of the module's
 * @property {number} activation_rms
 * @property {number} dead
 * @property {number|null} rank
 * @typedef {object} LookModule
 * @property {number} module
 * @property {number|null} rank
 * @property {number} dead
 * @property {LookGroup[]} groups
 * @property {number[][]} blocks
 * @property {number|null} inside  null where nothing varies
 * @property {number} inside_expected
 * @property {number[]} [order_before]  channels before the module as its groups read them
 * @property {number} [rotation]  the first group writes from this channel on
 * @typedef {{inside: (number|null)[], activation_energy: number[][]}} LookStart  before the first step, module by module
 * @typedef {{step: number, arm: string, seed?: number, stem: {dead: number}, modules: LookModule[], start?: LookStart}} Look
 */
import { counted, fixed, number } from "./format.js";
import { duration } from "./measurewords.js";

const GAP = "\u202f";
const MOVED = 0.02; // of the squared covariance: less than that is no change worth a word

/** @param {number|null|undefined} share */
export const percent = (share) => (share === null || share === undefined || Number.isNaN(share) ? "–" : `${fixed(100 * share, 1)}${GAP}%`);

/** A difference of two shares, in percentage points. @param {number} difference */
export const points = (difference) => {
  const text = fixed(Math.abs(100 * difference), 1);
  return text === "0.0" ? text : `${difference < 0 ? "−" : "+"}${text}`;
};

/** @type {Record<string, string>} */
export const HELD = { params: "equal params", macs: "equal MACs", channels: "equal channels" };

/** @type {Record<string, string>} */
export const STATES = { queued: "waits", running: "trains now", paused: "paused", done: "done", cancelled: "cancelled", failed: "failed" };

/** Whether a run has an end still to come. @param {string|undefined} state */
export const isActive = (state) => state === "queued" || state === "running" || state === "paused";

/** A label as a sentence begins, or not. @param {string} label @param {boolean} [first] */
export const sentenced = (label, first = true) => (first ? label[0].toUpperCase() : label[0].toLowerCase()) + label.slice(1);

/** Sizes of groups as they are set, those alike in one: 4 of 12 × 12. @param {string} sizes  as 12x12,12x12,… */
export function sizesText(sizes) {
  /** @type {[string, number][]} */
  const runs = [];
  for (const size of sizes.split(/,\s*/)) {
    const last = runs.at(-1);
    if (last?.[0] === size) last[1] += 1;
    else runs.push([size, 1]);
  }
  return runs.map(([size, count]) => `${count > 1 ? `${number(count)} of ` : ""}${size.replace("x", `${GAP}×${GAP}`)}`).join(", ");
}

/** The arms as one name: standard, uniform n = 4 and logarithmic n = 4. @param {string[]} labels */
export const listed = (labels) =>
  labels.length < 2 ? labels.join("") : `${labels.slice(0, -1).join(", ")} and ${labels[labels.length - 1]}`;

/**
 * What training would take, said before it starts.
 * @param {{estimate_seconds: number, limit_seconds: number, allowed: boolean, waiting: number, device?: string}} plan
 */
export function estimateText({ estimate_seconds, limit_seconds, allowed, waiting }) {
  if (!allowed) return `Would take ${duration(estimate_seconds)} on this device; the limit is ${duration(limit_seconds)}.`;
  const queue = waiting ? ` Behind ${waiting === 1 ? "another run" : `${waiting} others`}.` : "";
  return `Takes ${estimate_seconds < 1.5 ? "" : "about "}${duration(estimate_seconds)} on this device.${queue}`;
}

/** The most epochs that fit within the limit; 0 where not even one does. @param {{estimate_seconds: number, limit_seconds: number, epochs: number}} plan */
export const epochsThatFit = ({ estimate_seconds, limit_seconds, epochs }) => Math.floor((epochs * limit_seconds) / estimate_seconds);

/** Sum over the seeds of an arm that have one. @param {(number[][]|null|undefined)[]} matrices @returns {number[][]|null} */
export function summed(matrices) {
  const known = matrices.filter((matrix) => matrix !== null && matrix !== undefined);
  if (!known.length) return null;
  return known[0].map((line, i) => line.map((_, j) => known.reduce((sum, matrix) => sum + matrix[i][j], 0)));
}

/**
 * What is mistaken for what most often.
 * @param {number[][]} matrix  row: the class it is; column: the class it is taken for
 * @param {readonly string[]} classes
 */
export function confusionSentence(matrix, classes) {
  const total = matrix.flat().reduce((sum, count) => sum + count, 0);
  const right = matrix.reduce((sum, line, i) => sum + line[i], 0);
  const start = `${percent(right / total)} of ${number(total)} held-out images are told right.`;
  let [worst, from, to] = [0, -1, -1];
  matrix.forEach((line, i) => line.forEach((count, j) => {
    if (i !== j && count > worst) [worst, from, to] = [count, i, j];
  }));
  if (from < 0) return `${start} None is mistaken.`;
  const all = matrix[from].reduce((sum, count) => sum + count, 0);
  return `${start} Most often mistaken: ${classes[from]} for ${classes[to]}, ${number(worst)} of ${number(all)}.`;
}

/**
 * Whether the widest group carries most of what the modules put out.
 * @param {Look} look
 */
export function widestSentence({ step, modules, start }) {
  const [{ groups }] = modules;
  if (groups.length === 1) return "One group: it carries everything.";
  const channels = groups.reduce((sum, { out_channels }) => sum + out_channels, 0);
  const widest = groups.reduce((a, b) => (b.out_channels > a.out_channels ? b : a));
  const even = groups.every(({ out_channels }) => out_channels === widest.out_channels);
  if (even) {
    const most = Math.max(...modules.flatMap((module) => module.groups.map(({ activation_energy: share }) => share)));
    return `All ${number(groups.length)} groups are equally wide: an even share is ${percent(1 / groups.length)} of the activation energy; the largest of any module is ${percent(most)}.`;
  }
  const share = widest.out_channels / channels;
  const carried = modules.map((module) => module.groups[widest.index]?.activation_energy ?? 0);
  const first = modules.filter(({ groups: all }, m) => all.every(({ activation_energy: other }) => other <= carried[m])).length;
  const verdict = first === modules.length ? "Yes, the widest group carries most" : first === 0 ? "No, the widest group does not carry most" : `The widest group carries most in ${first} of ${counted(modules.length, "module")}`;
  const told = modules.map(({ module }, m) => `${percent(carried[m])} in module ${module}`).join(", ");
  const before = step && start ? ` Untrained: ${start.activation_energy.map((line) => percent(line[widest.index])).join(", ")}.` : "";
  return `${verdict}: with ${percent(share)} of the channels it has ${told} of the activation energy.${before}`;
}

/**
 * Whether covariance gathers within the groups while the network learns. Untrained ones have blocks too: what a group
 * writes is made of what it reads.
 * @param {Look} look
 */
export function blocksSentence({ step, modules, start }) {
  if (modules[0].groups.length === 1) return "Without groups there are no blocks to form.";
  const chance = `${percent(modules[0].inside_expected)} of the pairs`;
  const told = modules.map(({ module, inside }) => `${percent(inside)} in module ${module}`).join(", ");
  if (!step || !start) return `Of the squared covariance between what a module reads and what it writes, ${told} lies within the groups, which are ${chance}.`;
  const gains = modules.map(({ inside }, m) => (inside ?? 0) - (start.inside[m] ?? 0));
  const [up, down] = [gains.filter((gain) => gain > MOVED).length, gains.filter((gain) => gain < -MOVED).length];
  const all = modules.length;
  const verdict = up === all ? "Yes, blocks form" : down === all ? "No, blocks dissolve" : up ? `Blocks form in ${up} of ${counted(all, "module")}` : down ? `No, blocks dissolve in ${down} of ${counted(all, "module")}` : "No, blocks stay as they were";
  const before = start.inside.map(percent).join(", ");
  return `${verdict}: of the squared covariance between what a module reads and what it writes, ${told} now lies within the groups, which are ${chance}. Untrained: ${before}.`;
}

/** Dead maps of a look, in words. @param {Look} look */
export function deadSentence({ stem, modules }) {
  const all = [...(stem.dead ? [`${number(stem.dead)} after the stem`] : []), ...modules.filter(({ dead }) => dead).map(({ module, dead }) => `${number(dead)} after module ${module}`)];
  return all.length ? `Dead maps, zero on every image looked at: ${all.join(", ")}.` : "No map is dead.";
}

/**
 * At most `most` of the indices 0 … count − 1, evenly spread, first and last among them.
 * @param {number} count
 * @param {number} most
 */
export function spread(count, most) {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}
