/**
 * What the arms of GET /api/stack/scale say: by what factor the scale changes, and which arm keeps it best.
 *
 * @typedef {{gain: "cut"|"fan-in", normalisation: "none"|"conv"|"sum", rms: (number|null)[], chosen: boolean}} Arm
 */
import { ratio } from "./format.js";

const NORMALISATIONS = { none: "no normalisation", conv: "convolution normalised", sum: "sum normalised" };

const VERBS = /** @type {Record<number, string>} */ ({ "-1": "shrinks to", 0: "stays at", 1: "grows to" });

/** @param {Arm} arm */
export const armName = ({ gain, normalisation }) => `${gain}, ${NORMALISATIONS[normalisation]}`;

/** From the stem to the last module; null where the numbers ran out. @param {Arm} arm */
export function factorOf({ rms }) {
  const [first, last] = [rms[0], rms[rms.length - 1]];
  return first && last !== null ? last / first : null;
}

/** The arm whose factor is closest to 1×, up or down; null where none has one. @param {readonly Arm[]} arms */
export function steadiest(arms) {
  const off = (/** @type {Arm} */ arm) => Math.abs(Math.log(factorOf(arm) || 0)); // log 0: infinitely far
  const best = arms.reduce((a, b) => (off(b) < off(a) ? b : a));
  return Number.isFinite(off(best)) ? best : null;
}

/** @param {readonly Arm[]} arms */
export function scaleSentence(arms) {
  const chosen = arms.find((arm) => arm.chosen) ?? arms[0];
  const last = chosen.rms.length - 1;
  const factor = factorOf(chosen);
  const moved = factor === null ? "runs out of what a float32 can hold" : factor === 0 ? "dies: every map is zero" : `${VERBS[Math.sign(factor - 1)]} ${ratio(factor)}`;
  const start = `${sentenced(armName(chosen))}: from the stem to module ${last} the scale ${moved}.`;
  const best = steadiest(arms);
  if (!best) return `${start} No arm keeps it.`;
  if (best === chosen) return `${start} No other of the six is closer to 1×.`;
  return `${start} Closest to 1× is ${armName(best)}, with ${ratio(/** @type {number} */ (factorOf(best)))}.`;
}

/** @param {string} text */
const sentenced = (text) => text[0].toUpperCase() + text.slice(1);
