/**
 * Whose numbers the weights on screen are, in words.
 *
 * @typedef {{weights: "filter-bank"|"random"|"trained", seed: number, checkpoint: string}} Source
 * @typedef {{name: string, sentence: string, data: {name: string|null}}} Told  of a trained network, as the server lists it
 */
import { number } from "./format.js";

const SEEDED = { "filter-bank": "a bank of edge, bar and blob filters, mixed at random", random: "random numbers (He)" };

/**
 * Without its full stop.
 * @param {Source} source
 * @param {Told|undefined} network  undefined while the server has not told of it
 */
export function weightsText({ weights, seed, checkpoint }, network) {
  if (weights !== "trained") return `Untrained weights: ${SEEDED[weights]}, seed ${number(seed)}`;
  if (!network) return `Trained weights: network ${checkpoint}`;
  const { name, sentence, data } = network;
  const again = `${data.name}, `;
  return `Trained weights: ${name}, ${name.startsWith(again) && sentence.startsWith(again) ? sentence.slice(again.length) : sentence}`;
}
