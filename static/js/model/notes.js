/** What has to be said about a split beside its numbers; word for word compute/notes.py. */
import { number as digits } from "./format.js";

/**
 * @param {import("./counts.js").LayerSpec} spec
 * @param {readonly import("./grouping.js").Span[]} groups
 * @param {boolean} rounded
 * @returns {string[]}
 */
export function splitNotes(spec, groups, rounded) {
  const notes = rounded ? [rounding(groups)] : [];
  if (spec.scheme === "logarithmic" && groups.length > 1) notes.push(bill(spec, groups));
  return notes;
}

/** @param {readonly import("./grouping.js").Span[]} groups */
function rounding(groups) {
  const ins = groups.map((g) => g.in_channels);
  const outs = groups.map((g) => g.out_channels);
  const alike = ins.every((share, i) => share === outs[i]);
  const sides = /** @type {[string, number[]][]} */ (alike ? [["", ins]] : [["input ", ins], ["output ", outs]]);
  const parts = sides.map(([side, shares]) => {
    const total = shares.reduce((sum, share) => sum + share, 0);
    return `${digits(total)} ${side}channels into ${shares.map(digits).join(", ")}`;
  });
  return `Shares were rounded to whole channels: ${parts.join(" and ")}.`;
}

/**
 * @param {import("./counts.js").LayerSpec} spec
 * @param {readonly import("./grouping.js").Span[]} groups
 */
function bill({ in_channels, out_channels, base }, groups) {
  const kept = groups.reduce((sum, g) => sum + g.in_channels * g.out_channels, 0);
  const all = in_channels * out_channels;
  const n = groups.length;
  const word = kept * n > all ? "more than" : kept * n < all ? "fewer than" : "as many as";
  const limit = fraction(base - 1, base + 1);
  const floor = `without rounding no number of groups takes it below ${limit}`;
  return (
    `This split keeps ${digits(kept)} of ${digits(all)} connections (${short(kept, all)}), ${word} an even split into ${n}` +
    ` would (${short(1, n)}); ${floor}.`
  );
}

/**
 * In lowest terms.
 * @param {number} above
 * @param {number} below
 */
function fraction(above, below) {
  const common = above % 2 === 0 && below % 2 === 0 ? 2 : 1; // neighbours two apart share nothing but 2
  return `${above / common}/${below / common}`;
}

/**
 * Four decimals, rounded half up, trailing zeros dropped.
 * @param {number} above
 * @param {number} below
 */
function short(above, below) {
  const text = String(Math.floor((above * 20000 + below) / (2 * below))).padStart(5, "0");
  return `${text.slice(0, -4)}.${text.slice(-4)}`.replace(/\.?0+$/, "");
}
