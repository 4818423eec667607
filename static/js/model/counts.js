/**
 * What a layer costs: exact integers, the same arithmetic and conventions as compute/counts.py.
 * One image; params include bias; macs never do; flops = 2 macs; 4 bytes an element.
 *
 * @typedef {import("../core/store.js").Pair} Pair
 * @typedef {import("./grouping.js").GroupingSpec} GroupingSpec
 * @typedef {{kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, bias: boolean}} Kernel
 * @typedef {GroupingSpec & Kernel & {height: number, width: number}} LayerSpec
 * @typedef {ReturnType<typeof counts>} Counts
 * @typedef {ReturnType<typeof describeLayer>} Layer
 * @typedef {Layer["groups"][number]} Group
 */
import { formulas } from "./formulas.js";
import { Illegal, legalGroups, splitChannels } from "./grouping.js";
import { splitNotes } from "./notes.js";

const BYTES_PER_ELEMENT = 4;

/**
 * @param {number} weights
 * @param {number} bias
 * @param {number} pixels  of one output map
 * @param {number} input_elements
 * @param {number} output_elements
 */
function counts(weights, bias, pixels, input_elements, output_elements) {
  const macs = pixels * weights;
  const memory_access_elements = input_elements + output_elements + weights;
  const memory_access_bytes = BYTES_PER_ELEMENT * memory_access_elements;
  return {
    weights,
    bias,
    params: weights + bias,
    macs,
    flops: 2 * macs,
    input_elements,
    output_elements,
    weight_elements: weights,
    memory_access_elements,
    memory_access_bytes,
    arithmetic_intensity: (2 * macs) / memory_access_bytes,
  };
}

/**
 * PyTorch's rule along one axis.
 * @param {LayerSpec} spec
 * @param {0|1} axis
 * @throws {Illegal} for a kernel larger than the padded input
 */
function outputLength(spec, axis) {
  const padded = (axis === 0 ? spec.height : spec.width) + 2 * spec.padding[axis];
  const extent = spec.dilation[axis] * (spec.kernel_size[axis] - 1) + 1;
  if (extent > padded) throw new Illegal("kernel_size");
  return Math.floor((padded - extent) / spec.stride[axis]) + 1;
}

/**
 * Everything there is to say about a layer in numbers: the body of GET /api/layer.
 * @param {LayerSpec} spec
 * @throws {Illegal}
 */
export function describeLayer(spec) {
  const split = splitChannels(spec);
  const { in_channels, out_channels } = spec;
  const output_shape = [out_channels, outputLength(spec, 0), outputLength(spec, 1)];
  const pixels = output_shape[1] * output_shape[2];
  const taps = spec.kernel_size[0] * spec.kernel_size[1];
  const groups = split.groups.map((span) => groupCounts(span, spec, taps, pixels));
  const volumes = /** @type {const} */ ([in_channels * spec.height * spec.width, out_channels * pixels]);
  const bias = spec.bias ? out_channels : 0;
  const weights = groups.reduce((sum, group) => sum + group.weights, 0);
  const layer = counts(weights, bias, pixels, ...volumes);
  const standard = counts(taps * in_channels * out_channels, bias, pixels, ...volumes);
  const connections = volumes[0] * volumes[1];
  return {
    scheme: spec.scheme,
    base: spec.scheme === "logarithmic" ? spec.base : null,
    groups,
    ...layer,
    output_shape,
    standard,
    fully_connected: counts(connections, 0, 1, ...volumes),
    ratios: {
      params: layer.params / standard.params,
      macs: layer.macs / standard.macs,
      flops: layer.flops / standard.flops,
      memory_access: layer.memory_access_elements / standard.memory_access_elements,
    },
    legal_groups: legalGroups(spec.scheme, in_channels, out_channels, spec.base, spec.sizes),
    formulas: formulas(spec, split.groups, layer, output_shape),
    rounded: split.rounded,
    notes: splitNotes(spec, split.groups, split.rounded),
  };
}

/**
 * @param {import("./grouping.js").Span} span
 * @param {LayerSpec} spec
 * @param {number} taps
 * @param {number} pixels
 */
function groupCounts(span, spec, taps, pixels) {
  const { in_channels, out_channels } = span;
  const volumes = /** @type {const} */ ([in_channels * spec.height * spec.width, out_channels * pixels]);
  return {
    ...span,
    weight_shape: [out_channels, in_channels, ...spec.kernel_size],
    ...counts(taps * in_channels * out_channels, spec.bias ? out_channels : 0, pixels, ...volumes),
  };
}

/** @type {WeakMap<object, Layer>} */
const known = new WeakMap();

/**
 * The layer of a page state, worked out once per state however many panels ask.
 * @param {import("../core/store.js").FrozenState} state
 * @returns {Layer}
 * @throws {Illegal}
 */
export function countLayer(state) {
  let layer = known.get(state);
  if (!layer) {
    layer = describeLayer({ ...state, height: state.size, width: state.size });
    known.set(state, layer);
  }
  return layer;
}
