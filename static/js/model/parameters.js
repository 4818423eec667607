/**
 * The parameters of a layer by PyTorch's names: which each kind has, and how typed text becomes an edit.
 *
 * @typedef {Record<string, any>} Parameters  of one layer, as a document has them
 */

export const SCHEMES = ["standard", "uniform", "logarithmic", "depthwise", "custom"];

/** Parameters by kind with PyTorch's defaults; null where there is none. @type {Record<string, Record<string, unknown>>} */
export const PARAMETERS = {
  Conv2d: { out_channels: null, kernel_size: null, stride: 1, padding: 0, dilation: 1, bias: true },
  Linear: { out_features: null, bias: true },
  MaxPool2d: { kernel_size: null, stride: null, padding: 0, dilation: 1, ceil_mode: false },
  AvgPool2d: { kernel_size: null, stride: null, padding: 0, ceil_mode: false },
  AdaptiveAvgPool2d: { output_size: null },
  BatchNorm2d: { affine: true },
  GroupNorm: { num_groups: null, affine: true },
  LocalResponseNorm: { size: null },
  ChannelShuffle: { groups: null },
  Dropout: { p: 0.5 },
};

/** @param {string} kind */
export const editable = (kind) => kind in PARAMETERS;

/**
 * A number, a pair, or whatever was typed: the server says what is wrong with it.
 * @param {string} text
 */
export function readParameter(text) {
  const parts = text.trim().split(/\s*[,×x]\s*/).map((part) => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : part));
  return parts.length === 1 ? parts[0] : parts;
}

/**
 * `32x32, 16→16` as pairs.
 * @param {string} text
 */
export const readSizes = (text) =>
  text.split(",").map((pair) => pair.trim().split(/\s*[x×→]\s*/).map((part) => (/^\d+$/.test(part) ? Number(part) : part)));

/** @param {Parameters} layer */
export function splitOf(layer) {
  if (layer.grouping) return layer.grouping;
  return layer.groups > 1 ? { scheme: "uniform", groups: layer.groups } : { scheme: "standard" };
}

/**
 * The edit that makes a convolution's split this one.
 * @param {{scheme: string, groups?: unknown, base?: unknown, sizes?: unknown}} split
 */
export function splitEdit({ scheme, groups, base, sizes }) {
  if (scheme === "standard") return { groups: 1 };
  if (scheme === "uniform") return { groups };
  if (scheme === "custom") return { grouping: { scheme, sizes } };
  return { grouping: scheme === "depthwise" ? { scheme } : { scheme, groups, base } };
}
