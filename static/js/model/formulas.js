/** Each count as a line of text with the layer's own numbers in it; word for word compute/formulas.py. */
import { fixed, number as digits } from "./format.js";
import { runsOf } from "./grouping.js";

/**
 * @typedef {import("./counts.js").LayerSpec} LayerSpec
 * @typedef {import("./counts.js").Counts} Counts
 * @typedef {import("./grouping.js").Span} Span
 */

const TERMS = 6; // distinct runs of groups written out before the rest is summed up

/**
 * @param {LayerSpec} spec
 * @param {readonly Span[]} groups
 * @param {Counts} layer
 * @param {readonly number[]} shape  output (channels, height, width)
 */
export function formulas(spec, groups, layer, shape) {
  const [, outHeight, outWidth] = shape.map(digits);
  const kernel = `${spec.kernel_size[0]} × ${spec.kernel_size[1]}`;
  const connections = connectionTerms(groups);
  const volumeIn = [spec.in_channels, spec.height, spec.width].map(digits).join(" × ");
  const output = `${outHeight} × ${outWidth}`;
  const volumeOut = `${digits(spec.out_channels)} × ${output}`;
  const bias = layer.bias ? ` + ${digits(layer.bias)}` : "";
  return {
    output: (isSquare(spec) ? [0] : [0, 1]).map((axis) => outputRule(spec, axis, shape[axis + 1])).join("; "),
    params: `${kernel} × (${connections})${bias} = ${digits(layer.params)}`,
    macs: `${output} × ${kernel} × (${connections}) = ${digits(layer.macs)}`,
    flops: `2 × ${digits(layer.macs)} = ${digits(layer.flops)}`,
    memory_access:
      `input ${volumeIn} + output ${volumeOut} + weights ${digits(layer.weights)}` +
      ` = ${digits(layer.memory_access_elements)} elements × 4 bytes = ${digits(layer.memory_access_bytes)} bytes`,
    arithmetic_intensity:
      `${digits(layer.flops)} FLOPs / ${digits(layer.memory_access_bytes)} bytes` +
      ` = ${fixed(layer.arithmetic_intensity, 2)} FLOPs per byte`,
    fully_connected: `(${volumeIn}) × (${volumeOut}) = ${digits(layer.input_elements * layer.output_elements)}`,
  };
}

/** @param {readonly Span[]} groups */
function connectionTerms(groups) {
  const runs = runsOf(groups);
  const terms = runs.map(([n, a, b]) => (n > 1 ? [n, a, b] : [a, b]).map(digits).join("·"));
  if (terms.length <= TERMS + 1) return terms.join(" + ");
  const rest = runs.slice(TERMS);
  const connections = rest.reduce((sum, [n, a, b]) => sum + n * a * b, 0);
  const count = rest.reduce((sum, [n]) => sum + n, 0);
  return `${terms.slice(0, TERMS).join(" + ")} + ${digits(connections)} from ${digits(count)} more groups`;
}

/**
 * @param {LayerSpec} spec
 * @param {number} axis
 * @param {number} result
 */
function outputRule(spec, axis, result) {
  const [padding, dilation, kernel, stride] = [spec.padding, spec.dilation, spec.kernel_size, spec.stride].map(
    (pair) => pair[axis],
  );
  const length = digits([spec.height, spec.width][axis]);
  return `⌊(${length} + 2 × ${padding} − ${dilation} × (${kernel} − 1) − 1) / ${stride}⌋ + 1 = ${digits(result)}`;
}

/** @param {LayerSpec} spec */
function isSquare(spec) {
  const pairs = [spec.padding, spec.dilation, spec.kernel_size, spec.stride, [spec.height, spec.width]];
  return pairs.every(([first, second]) => first === second);
}
