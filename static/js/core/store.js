/**
 * The one place where the page's state lives: frozen, replaced as a whole, announced synchronously.
 * Subscribers redraw from the state; they never update it.
 *
 * @typedef {[number, number]} Pair (height, width), or (in, out) in `sizes`
 * @typedef {"standard"|"uniform"|"logarithmic"|"depthwise"|"custom"} Scheme
 * @typedef {object} State
 * @property {string} image  id of the picture, "" for none
 * @property {number} size
 * @property {number} in_channels
 * @property {number} out_channels
 * @property {Pair} kernel_size
 * @property {Pair} stride
 * @property {Pair} padding
 * @property {Pair} dilation
 * @property {boolean} bias
 * @property {Scheme} scheme
 * @property {number} groups  the number of groups there are, whatever the scheme
 * @property {number} base
 * @property {Pair[]} sizes  empty unless the scheme is custom
 * @property {"filter-bank"|"random"|"trained"} weights
 * @property {string} checkpoint  id of the trained network, "" for none; it says nothing for other weights
 * @property {number} seed
 * @property {"cut"|"fan-in"} gain
 * @property {boolean} relu
 * @property {"map"|"group"|"shared"} scaling
 * @property {"macs"|"flops"} unit
 * @property {number} depth
 * @property {number} stage
 * @property {boolean} halve
 * @property {"params"|"macs"|"flops"} metric
 * @property {boolean} cumulative
 * @property {boolean} log
 * @property {number|null} selected  group under the pointer or the arrow keys; not part of the URL
 *
 * @typedef {Readonly<State>} FrozenState
 * @typedef {StoreOf<State>} Store
 */

/**
 * @template {object} S
 * @typedef {object} StoreOf
 * @property {() => Readonly<S>} get
 * @property {(patch: Partial<S>) => void} update
 * @property {(listener: (state: Readonly<S>, prev: Readonly<S>) => void) => () => void} subscribe  returns its end
 */

/**
 * Equality by value for what a state holds: scalars, lists and plain objects.
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

/**
 * @template {object} S
 * @param {S} initial
 * @returns {StoreOf<S>}
 */
export function createStore(initial) {
  let state = Object.freeze({ ...initial });
  /** @type {Set<(state: Readonly<S>, prev: Readonly<S>) => void>} */
  const listeners = new Set();
  return {
    get: () => state,

    update(patch) {
      const prev = state;
      const keys = /** @type {(keyof S)[]} */ (Object.keys(patch));
      if (keys.every((key) => same(prev[key], patch[key]))) return;
      state = Object.freeze({ ...prev, ...patch });
      for (const listener of [...listeners]) listener(state, prev);
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
