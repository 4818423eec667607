/**
 * The sentences under the maps: whose weights these are, what a grey means, which maps are dead, what computed them.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../model/tiles.js").Source} Source
 * @typedef {{groups: readonly import("../model/grouping.js").Span[], tiles: readonly import("../model/tiles.js").Tile[]}} Picture
 */
import { h, setText } from "../core/dom.js";
import { stackLink } from "../core/url.js";
import { counted } from "../model/format.js";
import { isDead } from "../model/tiles.js";
import { weightsText } from "../model/weightwords.js";

const SCALES = {
  map: "Black to white is each map’s own range: a weak map looks as strong as a strong one.",
  group: "Black to white is the same for all maps of a group.",
  shared: "Black to white is the same for all maps: strengths can be compared.",
};
const NAMED = 12;

/** @param {Picture} picture */
function resolution({ tiles: [{ width, height, full: [fullHeight, fullWidth] }] }) {
  const full = `${fullHeight} × ${fullWidth}`;
  if (width === fullWidth && height === fullHeight) return `Shown at full resolution, ${full}.`;
  return `Shown as area averages, ${height} × ${width} of ${full}; statistics are of the full resolution.`;
}

/**
 * @param {State} state
 * @param {Picture} picture
 */
function strength({ weights, gain, in_channels }, { groups }) {
  if (weights === "trained") return "";
  const narrow = groups.reduce((least, { in_channels: a }) => Math.min(least, a), in_channels);
  if (gain === "fan-in" || narrow === in_channels) return "";
  const factor = Math.sqrt(narrow / in_channels).toFixed(2);
  return `With gain “cut” a narrow group is weaker by construction: one that sees ${narrow} of ${in_channels} ` +
    `channels varies about √(${narrow}/${in_channels}) = ${factor} times as much as in the standard layer.`;
}

/** @param {Picture} picture */
function deaths({ tiles }) {
  const dead = tiles.filter(isDead).map(({ channel }) => channel);
  if (dead.length === 0) return "No map is dead.";
  const named = dead.slice(0, NAMED).join(", ") + (dead.length > NAMED ? ` and ${dead.length - NAMED} more` : "");
  const which = `${dead.length === 1 ? "map" : "maps"} ${named}`;
  return `${dead.length} of ${counted(tiles.length, "map")} dead, zero everywhere: ${which}. Maps are numbered from 0.`;
}

/** @param {Source} source */
const computed = ({ device, dtype }) => `Computed on ${device} in ${dtype}.`;

export function createMapNotes() {
  const lines = Array.from({ length: 4 }, () => h("p"));
  const link = h("a", { id: "to-stack" }, "Follow the picture through a stack of such layers");
  const further = h("p", { hidden: true }, link);
  return {
    element: h("div", { class: "map-notes" }, ...lines, further),

    /**
     * @param {State} state
     * @param {Picture} picture
     * @param {Source|null} source
     * @param {import("../model/trained.js").Entry} [network]  whose weights they are, where they are trained and it is known
     */
    show(state, picture, source, network) {
      if (!source) return;
      const stack = network ? `/stack?image=${state.image}&size=${state.size}&${network.query}` : stackLink(state);
      setText(link, `Follow the picture through ${network ? "the whole network" : "a stack of such layers"}`);
      further.hidden = !stack;
      if (stack) link.href = stack;
      setText(lines[0], `${weightsText(state, network)}.`);
      setText(lines[1], deaths(picture));
      setText(lines[2], `${SCALES[state.scaling]} ${strength(state, picture)}`.trim());
      setText(lines[3], `${resolution(picture)} ${computed(source)}`);
    },
  };
}
