/** Numbers as text. Thousands part at narrow no-break spaces; every rounding is half up, as in compute/formulas.py. */

const GAP = "\u202f";

/** What the page calls the counts. */
export const UNITS = { params: "params", macs: "MACs", flops: "FLOPs" };

/** What the page calls all that it counts of a network. @type {Record<string, string>} */
export const METRICS = {
  ...UNITS,
  activations: "activations",
  weight_bytes: "weights, bytes",
  memory_access_bytes: "memory access, bytes",
  arithmetic_intensity: "FLOPs per byte",
};

/**
 * 1234567 as 1 234 567; decimals stay as they are. Digits beyond 2^53 come as a string, and stay exact.
 * @param {number|string} n
 */
export function number(n) {
  const [whole, rest] = String(n).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, GAP);
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

/**
 * @param {number} x
 * @param {number} decimals
 */
export function fixed(x, decimals) {
  const scale = 10 ** decimals;
  return (Math.floor(x * scale + 0.5) / scale).toFixed(decimals);
}

/**
 * A difference with its sign: +1 234, −56, 0.
 * @param {number|string} n
 */
export function signed(n) {
  const text = number(n);
  if (text.startsWith("-")) return `−${text.slice(1)}`;
  return Number(n) > 0 ? `+${text}` : text;
}

/**
 * A ratio to the standard layer, three significant figures: 0.344×, 1×, 0.0172×, 0.000123×.
 * @param {number} x
 */
export function ratio(x) {
  if (x === 1) return "1×";
  if (x >= 100) return `${number(Math.round(x))}×`;
  return `${x.toPrecision(3)}×`.replace(/e-(\d+)/, (_, power) => ` × 10${superscript(-power)}`);
}

/** @param {number} power */
function superscript(power) {
  const raised = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return [...String(power)].map((c) => /** @type {Record<string, string>} */ (raised)[c]).join("");
}

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

/**
 * Four significant figures and an SI prefix: 635830272 is ["635.8", "M"]; small whole numbers stay whole.
 * @param {number} n
 * @returns {[string, string]}
 */
export function siParts(n) {
  if (n < 10000 && Number.isInteger(n)) return [number(n), ""];
  const last = PREFIXES.length - 1;
  const power = Math.min(last, Math.max(0, Math.floor(Math.log10(n) / 3)));
  const text = (n / 1000 ** power).toPrecision(4);
  return text === "1000" && power < last ? ["1.000", PREFIXES[power + 1]] : [text, PREFIXES[power]];
}

/**
 * siParts as one text: 635.8 M.
 * @param {number} n
 */
export const si = (n) => siParts(n).join(GAP).trimEnd();

/**
 * A run of indices, first to last: 0–31, or 7 alone.
 * @param {number} start
 * @param {number} count
 */
export function span(start, count) {
  return count === 1 ? number(start) : `${number(start)}–${number(start + count - 1)}`;
}

/**
 * A count and its noun: 1 channel, 64 channels.
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${number(count)} ${count === 1 ? noun : `${noun}s`}`;

/**
 * What a group sees, as words: inputs 0–31, or input 7.
 * @param {{in_start: number, in_channels: number}} group
 */
export const inputsOf = ({ in_start, in_channels }) =>
  `${in_channels === 1 ? "input" : "inputs"} ${span(in_start, in_channels)}`;

const LEAST_NORMAL = 2 ** -126;

/**
 * The fewest digits that give the same float32 back: 0.1, not 0.10000000149.
 * @param {number} value
 */
export function float32Text(value) {
  if (!Number.isFinite(value)) return String(value);
  // A float32 holds any six digits, but below the normal ones fewer tell it.
  for (let digits = Math.abs(value) < LEAST_NORMAL ? 1 : 6; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === Math.fround(value)) return String(near);
  }
  return String(Number(value.toPrecision(9)));
}

/** A number's text as it is set: with a minus, not a hyphen. @param {string} text */
export const typeset = (text) => text.replaceAll("-", "−");

/**
 * @param {readonly [number, number]} pair
 */
export const pair = ([a, b]) => (a === b ? String(a) : `${a},${b}`);

/**
 * Bytes in units of 2^30, 2^20 or 2^10: 2.34 GiB.
 * @param {number} bytes
 */
export function memory(bytes) {
  for (const [power, unit] of /** @type {const} */ ([[30, "GiB"], [20, "MiB"], [10, "KiB"]])) {
    if (bytes >= 2 ** power) return `${fixed(bytes / 2 ** power, 2)}${GAP}${unit}`;
  }
  return `${number(bytes)}${GAP}bytes`;
}
