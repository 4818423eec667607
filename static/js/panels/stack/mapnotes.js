/**
 * The sentences under a module's maps: whose weights, what a difference means here, which maps are dead, what they show.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 */
import { counted, number } from "../../model/format.js";
import { dealt } from "../../model/reach.js";
import { pooledAt, spansOf } from "../../model/stackstate.js";
import { isDead } from "../../model/tiles.js";
import { weightsText } from "../../model/weightwords.js";

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
const NAMED = 12;

/**
 * @param {State} state
 * @param {readonly import("./maps.js").Shown[]} shown
 * @param {import("../../model/trained.js").Entry} [network]  whose weights they are, where they are trained and it is known
 */
export function mapNotes(state, shown, network) {
  const [{ maps: { tiles: [tile], source } }] = shown;
  const [full] = tile.full;
  const averaged = tile.height === full ? `Full resolution, ${number(full)} × ${number(full)}` : `Area averages, ${number(tile.height)} × ${number(tile.width)} of ${number(full)} × ${number(full)}; statistics are of the full resolution`;
  return [
    ...(state.compare ? [differenceNote(state, (shown.find(({ side }) => side === "difference")?.maps.tiles ?? []).filter(isDead).length)] : []),
    deathNote(shown),
    `${state.compare ? PAIR_SCALES[state.scaling] : SCALES[state.scaling]} ${gainNote(state)}`,
    `${state.module === 0 ? "The stem’s output" : `Shown: ${pointText(state)}`}. ${averaged}. Computed on ${source.device} in ${source.dtype}.`,
    `${weightsText(state, network)}${state.weights === "trained" ? "" : ", one dense tensor a module"}. Maps are numbered from 0.`,
  ];
}

/**
 * What the maps are of, and what a normalisation has done to them.
 * @param {State} state
 */
export function pointText({ point, normalisation, relu, residual }) {
  const conv = `the convolution’s answer${normalisation === "conv" ? ", normalised" : ""}`;
  const sum = residual ? "the sum" : "what is summed, without an identity the convolution’s answer alone";
  return {
    input: "what enters the module, after pooling and mixing where they stand before it",
    conv,
    sum: `${sum}${normalisation === "sum" ? ", normalised" : ""}${relu ? ", before ReLU" : ""}`,
    output: "what leaves the module",
  }[point];
}

/**
 * Where all that lies between the first module's filters and the maps is linear, with the dense numbers as they are and
 * every connection of B also in A, the difference is what the cut took away.
 * @param {State} state
 * @param {number} zeros  difference maps that are zero everywhere
 */
export function differenceNote(state, zeros) {
  const { module, point, gain } = state;
  if (module === 0) return "The stem is the same for both: the difference is 0.";
  if (module === 1 && point === "input") return "What enters module 1 is the stem, the same for both: the difference is 0.";
  const shared = sharedGroups(state);
  if (shared === spansOf(state, "a").length && shared === spansOf(state, "b").length) return "A and B are the same split: the difference is 0.";
  const why = bent(state) ?? (!contains(state) ? "B has connections that A lacks" : gain === "fan-in" && state.weights !== "trained" ? "gain fan-in scales groups of different width differently" : null);
  if (why === null) return "A − B is exactly what the connections that B cuts would have added, up to float32 rounding.";
  const same = shared ? ` ${counted(shared, "group")} ${shared === 1 ? "is" : "are"} equal in both, and computed once as long as what ${shared === 1 ? "it reads" : "they read"} is equal too: ${zeros} of ${counted(state.in_channels, "difference map")} ${zeros === 1 ? "is" : "are"} exactly 0.` : "";
  return `A − B is a difference, not just what the cut connections would have added: ${why}.${same}`;
}

/**
 * Why what the first module's filters add does not simply add to these maps; null where it does. What enters module 2 is
 * what leaves module 1, on its way.
 * @param {State} state
 */
function bent(state) {
  const { module, point, relu, normalisation, mixing, downsample } = state;
  const entering = module === 2 && point === "input";
  if (module > 1 && !entering) return "deeper in the stack what was cut also changes what later modules see";
  if (relu && (entering || point === "output")) return "after ReLU what was cut no longer simply adds";
  if (point === "conv" ? normalisation === "conv" : normalisation !== "none") return "the normalisation rescales each map";
  if (entering && mixing === "shuffle" && `${dealt(spansOf(state, "a"))}` !== `${dealt(spansOf(state, "b"))}`) return "each side deals its channels by its own groups";
  if (entering && downsample === "max" && pooledAt(state, module)) return "the largest of four values does not simply add";
  return null;
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
function gainNote({ weights, gain }) {
  if (weights === "trained") return "The network’s numbers are kept as they are; what it does not connect is 0, and a split only cuts more.";
  return gain === "fan-in"
    ? "Each filter has He’s deviation for the channels its own group reads."
    : "The dense tensor’s numbers are kept as they are, so narrow groups answer more weakly.";
}
