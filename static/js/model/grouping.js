/**
 * How channels are split into groups; the same rules as compute/grouping.py, pinned by the golden tables.
 *
 * @typedef {import("../core/store.js").Pair} Pair
 * @typedef {import("../core/store.js").Scheme} Scheme
 * @typedef {{index: number, in_start: number, in_channels: number, out_start: number, out_channels: number}} Span
 * @typedef {{scheme: Scheme, in_channels: number, out_channels: number, groups: number, base: number, sizes: readonly Pair[]}} GroupingSpec
 * @typedef {[number, number, number]} Run  how many neighbouring equal groups, in, out
 */

/** A state no layer can have. `field` is what to change; the sentence about it is the server's. */
export class Illegal extends Error {
  /** @param {string|null} field */
  constructor(field) {
    super(`illegal ${field ?? "layer"}`);
    this.field = field;
  }
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));

/** @param {number} number */
function divisors(number) {
  const small = [];
  for (let d = 1; d * d <= number; d++) if (number % d === 0) small.push(d);
  return [...new Set([...small, ...small.map((d) => number / d)])].sort((a, b) => a - b);
}

/**
 * Shares 1 - 1/base of what is left, rounded down, the last the rest: into `groups`, or as many as there is room for.
 * @param {number} channels
 * @param {number} base
 * @param {number} [groups]
 */
function logShares(channels, base, groups = Infinity) {
  const shares = [];
  let left = channels;
  while (shares.length < groups - 1) {
    const share = Math.floor((left * (base - 1)) / base);
    if (share === 0) break;
    shares.push(share);
    left -= share;
  }
  return [...shares, left];
}

/**
 * Schemes whose number of groups is a choice.
 * @param {string} scheme
 */
export const hasChoice = (scheme) => scheme === "uniform" || scheme === "logarithmic";

/**
 * Every number of groups a scheme can have on these channels, ascending; empty where it cannot be at all.
 * @param {Scheme} scheme
 * @param {number} inChannels
 * @param {number} outChannels
 * @param {number} [base]
 * @param {readonly Pair[]} [sizes]
 * @returns {number[]}
 */
export function legalGroups(scheme, inChannels, outChannels, base = 2, sizes = []) {
  switch (scheme) {
    case "standard":
      return [1];
    case "uniform":
      return divisors(gcd(inChannels, outChannels));
    case "logarithmic": {
      const room = Math.min(...[inChannels, outChannels].map((c) => logShares(c, base).length));
      return Array.from({ length: room }, (_, i) => i + 1);
    }
    case "depthwise":
      return outChannels % inChannels === 0 ? [inChannels] : [];
    default:
      return sizes.length ? [sizes.length] : [];
  }
}

/**
 * The (in, out) channels of each group.
 * @param {GroupingSpec} spec
 * @returns {Pair[]}
 * @throws {Illegal}
 */
export function groupSizes({ scheme, in_channels: a, out_channels: b, groups, base, sizes }) {
  switch (scheme) {
    case "standard":
      return [[a, b]];
    case "depthwise":
      if (b % a) throw new Illegal("out_channels");
      return Array.from({ length: a }, () => [1, b / a]);
    case "uniform":
      if (a % groups || b % groups) throw new Illegal("groups");
      return Array.from({ length: groups }, () => [a / groups, b / groups]);
    case "logarithmic": {
      const [ins, outs] = [logShares(a, base, groups), logShares(b, base, groups)];
      if (ins.length < groups || outs.length < groups) throw new Illegal("groups");
      return ins.map((share, i) => [share, outs[i]]);
    }
    default:
      return checkedSizes(a, b, sizes);
  }
}

/**
 * @param {number} a
 * @param {number} b
 * @param {readonly Pair[]} sizes
 * @returns {Pair[]}
 */
function checkedSizes(a, b, sizes) {
  const sums = sizes.reduce(([x, y], [i, o]) => [x + i, y + o], [0, 0]);
  if (sums[0] !== a || sums[1] !== b || sizes.some((pair) => Math.min(...pair) < 1)) throw new Illegal("sizes");
  return [...sizes];
}

/**
 * A logarithmic split whose exact shares are not whole numbers of channels.
 * @param {GroupingSpec} spec
 */
function isRounded({ scheme, in_channels, out_channels, groups, base }) {
  if (scheme !== "logarithmic") return false;
  const power = base ** (groups - 1);
  return in_channels % power !== 0 || out_channels % power !== 0;
}

/**
 * @param {GroupingSpec} spec
 * @returns {{groups: Span[], rounded: boolean}}
 * @throws {Illegal}
 */
export function splitChannels(spec) {
  let in_start = 0;
  let out_start = 0;
  const groups = groupSizes(spec).map(([in_channels, out_channels], index) => {
    const span = { index, in_start, in_channels, out_start, out_channels };
    in_start += in_channels;
    out_start += out_channels;
    return span;
  });
  return { groups, rounded: isRounded(spec) };
}

/**
 * Neighbouring equal groups taken together.
 * @param {readonly {in_channels: number, out_channels: number}[]} groups
 * @returns {Run[]}
 */
export function runsOf(groups) {
  /** @type {Run[]} */
  const runs = [];
  for (const { in_channels: a, out_channels: b } of groups) {
    const last = runs[runs.length - 1];
    if (last && last[1] === a && last[2] === b) last[0] += 1;
    else runs.push([1, a, b]);
  }
  return runs;
}

/**
 * The legal value nearest to `wanted`; ties go down.
 * @param {readonly number[]} legal  ascending, not empty
 * @param {number} wanted
 */
export function nearest(legal, wanted) {
  return legal.reduce((best, n) => (Math.abs(n - wanted) < Math.abs(best - wanted) ? n : best));
}
