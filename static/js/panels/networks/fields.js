/**
 * Native inputs of the template kept equal to the state: a slider with its number, a text box, a list, a tick.
 * What is typed and is no value gets a sentence beside it, and the state stays.
 *
 * @typedef {import("../../model/networkstate.js").NetworkStore} NetworkStore
 * @typedef {import("../../model/networkstate.js").NetworkKey} NetworkKey
 */
import { listeners, qs } from "../../core/dom.js";
import { number } from "../../model/format.js";
import { TABLE, readValue } from "../../model/networkstate.js";

/**
 * @param {object} deps
 * @param {NetworkStore} deps.store
 * @param {import("../../core/errors.js").Errors} deps.errors
 * @param {readonly NetworkKey[]} keys
 * @param {Partial<Record<NetworkKey, string>>} [ids]  of a key's input, where another has the key's own word
 */
export function bindFields({ store, errors }, keys, ids = {}) {
  const { on, end } = listeners();
  /** Inputs that hold what is no value, by id. @type {Map<string, NetworkKey>} */
  const wrong = new Map();
  const inputs = keys.flatMap((key) => {
    const id = ids[key] ?? key;
    const box = document.getElementById(`${id}-number`);
    return [qs(`#${id}`), ...(box ? [box] : [])].map((element) => ({ key, id, element: /** @type {HTMLInputElement} */ (element) }));
  });

  /**
   * @param {NetworkKey} key
   * @param {string} id
   * @param {HTMLInputElement} element
   */
  function attempt(key, id, element) {
    const raw = element.type === "checkbox" ? String(element.checked) : element.value;
    const value = readValue(key, raw, {});
    if (value === undefined) {
      wrong.set(id, key);
      return errors.showFieldError(id, ruleOf(key, raw));
    }
    forgive(id);
    store.update({ [key]: value });
  }

  for (const { key, id, element } of inputs) {
    const kind = element.type === "range" ? "input" : "change";
    on(element, kind, () => attempt(key, id, element));
  }

  /** @param {string} id */
  function forgive(id) {
    if (wrong.delete(id)) errors.clearFieldError(id);
  }

  /** What is written and is no value stays, with its sentence, until its key changes. @param {import("../../model/networkstate.js").FrozenNetworkState} [prev] */
  function show(prev) {
    const state = store.get();
    for (const [id, key] of wrong) if (prev && state[key] !== prev[key]) forgive(id);
    for (const { key, id, element } of inputs) {
      if (wrong.has(id)) continue;
      const text = String(state[key]);
      if (element.type === "checkbox") element.checked = Boolean(state[key]);
      else if (element.type === "range") slide(element, Number(state[key]));
      else if (element.value !== text && element !== document.activeElement) element.value = text;
      else if (element.tagName === "SELECT") element.value = text;
    }
  }

  const unsubscribe = store.subscribe((_, prev) => show(prev));
  show();
  return {
    destroy() {
      unsubscribe();
      end();
    },
  };
}

/**
 * A slider reaches as far as its template says, and further where a typed number is.
 * @param {HTMLInputElement} slider
 * @param {number} value
 */
function slide(slider, value) {
  slider.dataset.reach ??= slider.max;
  slider.max = String(Math.max(Number(slider.dataset.reach), value));
  if (slider.value !== String(value)) slider.value = String(value);
}

/**
 * @param {NetworkKey} key
 * @param {string} raw
 */
function ruleOf(key, raw) {
  const { kind, min, max, label } = TABLE[key];
  const what = kind === "int" ? "a whole number" : "a number";
  return `${label ?? key} must be ${what} from ${number(min ?? 0)} to ${number(max ?? 0)}, not “${raw.trim().slice(0, 24)}”.`;
}
