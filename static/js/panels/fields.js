/**
 * Native inputs of the template kept equal to the state: a slider with its number, a text box, a list, a tick, a
 * group of radio buttons. What is typed and is no value gets a sentence beside it, and the state stays. A pair has one
 * box, `3` or `3,2`; its slider shows the first number and sets both.
 */
import { listeners, qs } from "../core/dom.js";
import { number, pair } from "../model/format.js";

/**
 * @template {string} K
 * @typedef {import("../model/table.js").Table<K>} Table
 */

/**
 * @template {string} K
 * @template {Record<K, unknown>} S
 * @param {object} deps
 * @param {import("../core/store.js").StoreOf<S>} deps.store
 * @param {import("../core/errors.js").Errors} deps.errors
 * @param {Table<K>} deps.table
 * @param {import("../model/table.js").Params} [deps.params]  what the server says of them
 * @param {readonly NoInfer<K>[]} keys
 * @param {Partial<Record<NoInfer<K>, string>>} [ids]  of a key's input, where another has the key's own word
 */
export function bindFields({ store, errors, table, params = {} }, keys, ids = {}) {
  const { on, end } = listeners();
  /** Inputs that hold what is no value, by id. @type {Map<string, K>} */
  const wrong = new Map();
  const inputs = keys.flatMap((key) => {
    const id = ids[key] ?? key;
    return elementsOf(key, id).map((element) => ({ key, id, element }));
  });

  /**
   * @param {K} key
   * @param {string} id
   * @param {HTMLInputElement} element
   */
  function attempt(key, id, element) {
    const raw = element.type === "checkbox" ? String(element.checked) : element.value;
    const value = table.readValue(key, raw, params);
    if (value === undefined) {
      wrong.set(id, key);
      return errors.showFieldError(id, ruleOf(key, table.paramOf(key, params), raw));
    }
    forgive(id);
    store.update(/** @type {Partial<S>} */ ({ [key]: value }));
  }

  for (const { key, id, element } of inputs) {
    const kind = element.type === "range" ? "input" : "change";
    on(element, kind, () => attempt(key, id, element));
  }

  /** @param {string} id */
  function forgive(id) {
    if (wrong.delete(id)) errors.clearFieldError(id);
  }

  /** What is written and is no value stays, with its sentence, until its key changes. @param {Readonly<S>} [prev] */
  function show(prev) {
    const state = store.get();
    for (const [id, key] of wrong) if (prev && state[key] !== prev[key]) forgive(id);
    for (const { key, id, element } of inputs) {
      if (wrong.has(id)) continue;
      const text = textOf(table, key, state[key]);
      if (element.type === "checkbox") element.checked = Boolean(state[key]);
      else if (element.type === "radio") element.checked = element.value === text;
      else if (element.type === "range") slide(element, Number(text.split(",")[0]));
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
 * A control and the box of its number; or the radio buttons of that name.
 * @param {string} key
 * @param {string} id
 */
function elementsOf(key, id) {
  const radios = [...document.querySelectorAll(`input[type="radio"][name="${key}"][id^="${id}-"]`)];
  const box = document.getElementById(`${id}-number`);
  const found = radios.length > 0 ? radios : [qs(`#${id}`), ...(box ? [box] : [])];
  return /** @type {HTMLInputElement[]} */ (found);
}

/**
 * A value as its box holds it: equal pairs are one number.
 * @template {string} K
 * @param {Table<K>} table
 * @param {K} key
 * @param {any} value
 */
export function textOf(table, key, value) {
  return table.rows[key].kind === "pair" ? pair(value) : table.writeValue(key, value);
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

/** What each kind has to be, in front of its limits. @type {Partial<Record<import("../model/table.js").Kind, string>>} */
const WHAT = {
  int: "a whole number",
  number: "a number",
  real: "a number, such as 0.1 or 5e-4,",
  pair: "one or two whole numbers, such as 3 or 3,2,",
  sizes: "the inputs and outputs of each group, such as 32x32,16x16",
};

/**
 * @param {string} key
 * @param {import("../model/table.js").Row} param
 * @param {string} raw
 */
export function ruleOf(key, { kind, min, max, choices, label }, raw) {
  const what = WHAT[kind] ?? (choices ? `one of ${choices.join(", ")}` : "a value of its kind");
  return `${label ?? key} must be ${what}${limitsOf(kind, min, max)}, not “${raw.trim().slice(0, 24)}”.`;
}

/**
 * @param {string} kind
 * @param {number|null} [min]
 * @param {number|null} [max]
 */
function limitsOf(kind, min, max) {
  if (kind === "sizes" || (min ?? max ?? null) === null) return "";
  const least = number(min ?? 0);
  return max === null || max === undefined ? ` from ${least} on` : ` from ${least} to ${number(max)}`;
}
