/**
 * A group's colour and texture. The first eight groups have a colour each; past them the colours come round
 * again and the texture (with the group's number) tells them apart.
 */
import { onTheme, token } from "./theme.js";

export const COLOURS = 8;

/** Class names `texture-…` in base.css, and what draw/texture.js draws. */
const TEXTURES = /** @type {const} */ (["solid", "rising", "dots", "falling", "level"]);

/** @typedef {(typeof TEXTURES)[number]} Texture */

/** @type {string[]} */
let colours = [];
onTheme(() => {
  colours = [];
});

/**
 * @param {number} index  from 0
 * @returns {string} a CSS colour
 */
export function groupColour(index) {
  if (colours.length === 0) {
    colours = Array.from({ length: COLOURS }, (_, i) => token(`--group-${i + 1}`));
  }
  return colours[index % COLOURS];
}

/**
 * @param {number} index  from 0
 * @returns {Texture}
 */
export function groupTexture(index) {
  return TEXTURES[Math.floor(index / COLOURS) % TEXTURES.length];
}
