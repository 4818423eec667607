/** How times, factors and their spread are written on the page that measures. */
import { fixed, number } from "./format.js";

const GAP = "\u202f";

/**
 * A time with three significant figures: 1.23 ms, 456 µs, 2.10 s.
 * @param {number} seconds
 */
export function time(seconds) {
  for (const [scale, unit] of /** @type {const} */ ([[1, "s"], [1e3, "ms"], [1e6, "µs"]])) {
    if (seconds * scale >= 1 || unit === "µs") return `${figures(seconds * scale)}${GAP}${unit}`;
  }
  return "";
}

/**
 * Three significant figures without an exponent: 0.0123, 1.23, 12.3, 123, 1 234.
 * @param {number} x
 */
export function figures(x) {
  if (x === 0) return "0";
  if (Math.abs(x) >= 1000) return number(Math.round(x));
  const rounded = Number(x.toPrecision(3));
  const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded)))));
  return number(fixed(rounded, decimals));
}

/** A factor: ×2.91. @param {number} x */
export const factor = (x) => `×${figures(x)}`;

/** A length of time for people: 8 s, 2 min 10 s. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1.5) return "about a second";
  const whole = Math.round(seconds);
  if (whole < 100) return `${whole}${GAP}s`;
  const rest = whole % 60;
  return `${Math.floor(whole / 60)}${GAP}min${rest ? ` ${rest}${GAP}s` : ""}`;
}

/** A moment as people here write it. @param {string} iso */
export const moment = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
