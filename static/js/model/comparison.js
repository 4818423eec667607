/**
 * A network beside its variant, as POST /api/networks/whatif answers.
 *
 * @typedef {number|string} Count  a string beyond 2^53, where a number would lose digits
 * @typedef {object} NetworkRow
 * @property {number} index
 * @property {string} name
 * @property {string} kind
 * @property {string[]} inputs
 * @property {number} in_channels
 * @property {number} out_channels
 * @property {[number, number]|null} kernel_size
 * @property {[number, number]|null} stride
 * @property {[number, number]|null} padding
 * @property {[number, number]|null} dilation
 * @property {{scheme: string, groups: number, base: number|null, sizes: [number, number][]|null, text: string}|null} grouping
 * @property {number[]} output_shape
 * @property {Count|null} fully_connected_weights
 * @typedef {NetworkRow & Record<string, any>} Row
 * @typedef {{name: string, source: string, convention: string, published: Record<string, number|null>|null,
 *   input_shape: number[], rows: Row[], totals: Record<string, Count>}} Analysis
 * @typedef {{name: string, changed: boolean, edited: boolean, left_alone: string|null, deltas: Record<string, Count>,
 *   ratios: Record<string, number|null>, halving: Record<string, any>|null}} LayerChange
 * @typedef {{target: string, wanted: Count, reached: Count, relative: number, factor: number}} Hold
 * @typedef {object} WhatIf
 * @property {Analysis} original
 * @property {Analysis} variant
 * @property {LayerChange[]} layers
 * @property {Record<string, Count>} deltas
 * @property {Record<string, number|null>} ratios
 * @property {Hold|null} hold
 * @property {string[]} notes
 */

/**
 * A variant's changes put among the rows of the network as it is: what did not change is the very same object.
 * @param {WhatIf} whole  of the network without any change
 * @param {WhatIf} changes  with the rows of changed layers only
 * @returns {WhatIf}
 */
export function merged(whole, changes) {
  const place = new Map(whole.layers.map(({ name }, i) => [name, i]));
  /** @template {{name: string}} T @param {T[]} all @param {T[]} some */
  const among = (all, some) => {
    const put = [...all];
    for (const one of some) put[/** @type {number} */ (place.get(one.name))] = one;
    return put;
  };
  return {
    ...changes,
    original: whole.original,
    variant: { ...changes.variant, rows: among(whole.original.rows, changes.variant.rows) },
    layers: among(whole.layers, changes.layers),
  };
}
