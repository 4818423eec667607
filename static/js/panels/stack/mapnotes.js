/**
 * The sentences under a module's maps: whose weights, what a difference means here, which maps are dead, what they show.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 */
import { counted, number } from "../../model/format.js";
import { spansOf } from "../../model/stackstate.js";
import { isDead } from "../../model/tiles.js";

const WEIGHTS = { "filter-bank": "a bank of edge, bar and blob filters, mixed at random", random: "random numbers (He)" };
const SCALES = {
  map: "Each map has its own range: a weak map looks as strong as a strong one.",
  group: "All maps of a group share one range.",
  shared: "All maps share one range: strengths can be compared.",
};
const PAIR_SCALES = {
  map: "Each map shares its range with its counterpart in the other grouping; a difference has zero in the middle.",
  group: "The maps of a group share one range with their counterparts; differences have zero in the middle.",
  shared: "A and B share one range; their difference has its own, with zero in the middle.",
};
const POINTS = {
  input: "what enters the module, after pooling and mixing", conv: "the convolution’s answer",
  sum: "the sum that ReLU gets", output: "what leaves the module",
};
const NAMED = 12;

/**
 * @param {State} state
 * @param {readonly import("./maps.js").Shown[]} shown
 */
export function mapNotes(state, shown) {
  const [{ maps: { tiles: [tile], source } }] = shown;
  const [full] = tile.full;
  const averaged = tile.height === full ? `Full resolution, ${number(full)} × ${number(full)}` : `Area averages, ${number(tile.height)} × ${number(tile.width)} of ${number(full)} × ${number(full)}; statistics are of the full resolution`;
  return [
    ...(state.compare ? [differenceNote(state, (shown.find(({ side }) => side === "difference")?.maps.tiles ?? []).filter(isDead).length)] : []),
    deathNote(shown),
    `${state.compare ? PAIR_SCALES[state.scaling] : SCALES[state.scaling]} ${gainNote(state)}`,
    `${state.module === 0 ? "The stem’s output" : `Shown: ${POINTS[state.point]}`}. ${averaged}. Computed on ${source.device} in ${source.dtype}.`,
    `Untrained weights: ${WEIGHTS[state.weights]}, seed ${number(state.seed)}, one dense tensor a module. Maps are numbered from 0.`,
  ];
}

/**
 * For one module before ReLU, with the dense numbers as they are and every connection of B also in A, the difference is
 * exactly what the cut took away.
 * @param {State} state
 * @param {number} zeros  difference maps that are zero everywhere
 */
export function differenceNote(state, zeros) {
  if (state.module === 0) return "The stem is the same for both: the difference is zero.";
  const linear = state.point === "conv" || (state.point === "sum" && state.normalisation !== "sum");
  const exact = state.module === 1 && linear && state.gain === "cut" && state.normalisation !== "conv" && contains(state);
  if (exact) return "A − B is exactly what the connections that B cuts would have added.";
  const shared = sharedGroups(state);
  const same = shared ? ` ${counted(shared, "group")} ${shared === 1 ? "is" : "are"} equal in both, and computed once as long as what ${shared === 1 ? "it reads" : "they read"} is equal too: ${zeros} of ${counted(state.in_channels, "difference map")} ${zeros === 1 ? "is" : "are"} exactly 0.` : "";
  const why = state.module > 1 ? "deeper in the stack what was cut also changes what later modules see"
    : !linear ? "after ReLU what was cut no longer simply adds" : state.gain === "fan-in" ? "gain fan-in scales groups of different width differently"
    : state.normalisation === "conv" ? "the normalisation rescales each map" : "B has connections that A lacks";
  return `A − B is a difference, not just what the cut connections would have added: ${why}.${same}`;
}

/** Whether every connection of B is one of A. @param {State} state */
function contains(state) {
  const [a, b] = [spansOf(state, "a"), spansOf(state, "b")];
  return b.every((g) => a.some((w) => w.in_start <= g.in_start && g.in_start + g.in_channels <= w.in_start + w.in_channels &&
    w.out_start <= g.out_start && g.out_start + g.out_channels <= w.out_start + w.out_channels));
}

/** @param {State} state */
function sharedGroups(state) {
  const places = new Set(spansOf(state, "a").map((g) => `${g.in_start} ${g.in_channels} ${g.out_start} ${g.out_channels}`));
  return spansOf(state, "b").filter((g) => places.has(`${g.in_start} ${g.in_channels} ${g.out_start} ${g.out_channels}`)).length;
}

/** @param {readonly import("./maps.js").Shown[]} shown */
function deathNote(shown) {
  const sides = shown.filter(({ side }) => side === "a" || side === "b");
  const texts = sides.map(({ side, maps: { tiles } }) => {
    const dead = tiles.filter(isDead).map(({ channel }) => channel);
    const named = dead.slice(0, NAMED).join(", ") + (dead.length > NAMED ? ` and ${dead.length - NAMED} more` : "");
    const which = dead.length ? `${dead.length} of ${counted(tiles.length, "map")} dead, zero everywhere and crossed out: ${named}` : "no map is dead";
    return sides.length > 1 ? `${side.toUpperCase()}: ${which}` : which;
  });
  const text = `${texts.join("; ")}.`;
  return text[0].toUpperCase() + text.slice(1);
}

/** @param {State} state */
const gainNote = ({ gain }) => gain === "fan-in"
  ? "Each filter has He’s deviation for the channels its own group reads."
  : "The dense tensor’s numbers are kept as they are, so narrow groups answer more weakly.";
