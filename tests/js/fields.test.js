/** Native inputs and the state: what a box holds, what may be typed, which sentence stands beside what may not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../../static/js/core/store.js";
import { createTable, row } from "../../static/js/model/table.js";
import { bindFields, ruleOf } from "../../static/js/panels/fields.js";

const table = createTable({
  modules: row("int", 8, { min: 1, max: 16, label: "Modules" }),
  kernel_size: row("pair", "3,3", { min: 1, max: 7, label: "Kernel" }),
  sizes: row("sizes", "", { label: "Groups" }),
  mixing: row("choice", "none", { choices: ["none", "shuffle", "rotated"] }),
  bias: row("bool", true),
});
const start = () => ({
  modules: 8, kernel_size: [3, 3], sizes: /** @type {number[][]} */ ([]), mixing: "none", bias: true,
});

class Input extends EventTarget {
  dataset = /** @type {Record<string, string>} */ ({});
  tagName = "INPUT";
  checked = false;

  constructor(/** @type {string} */ id, type = "text", /** @type {object} */ rest = {}) {
    super();
    Object.assign(this, { id, type, value: "", max: "7" }, rest);
  }

  /** As a hand does it. */
  set(/** @type {string} */ value, kind = "change") {
    Object.assign(this, this.type === "checkbox" ? { checked: value === "true" } : { value });
    this.dispatchEvent(new Event(kind));
  }
}

/**
 * A page with these inputs, bound to a fresh state.
 * @param {readonly any[]} keys
 * @param {any[]} inputs
 * @param {object} [ids]
 */
function bind(keys, inputs, ids) {
  const all = /** @type {any} */ (globalThis);
  all.HTMLElement = Input;
  all.document = {
    activeElement: null,
    getElementById: (/** @type {string} */ id) => inputs.find((input) => input.id === id) ?? null,
    querySelector: (/** @type {string} */ selector) => inputs.find((input) => `#${input.id}` === selector) ?? null,
    querySelectorAll: (/** @type {string} */ selector) => inputs.filter((i) => i.type === "radio" && selector.includes(`[name="${i.name}"]`)),
  };
  const store = createStore(start());
  /** @type {Map<string, string>} */
  const said = new Map();
  const errors = /** @type {any} */ ({
    showFieldError: (/** @type {string} */ id, /** @type {string} */ text) => said.set(id, text),
    clearFieldError: (/** @type {string} */ id) => said.delete(id),
  });
  const fields = bindFields({ store, errors, table }, keys, ids);
  return { store, said, fields };
}

test("a pair has one box and a slider, which shows the first number and sets both", () => {
  const [slider, box] = [new Input("kernel_size", "range"), new Input("kernel_size-number")];
  const { store } = bind(["kernel_size"], [slider, box]);
  assert.deepEqual([slider.value, box.value], ["3", "3"]);
  slider.set("5", "input");
  assert.deepEqual([store.get().kernel_size, box.value], [[5, 5], "5"]);
  box.set("3, 2");
  assert.deepEqual([store.get().kernel_size, slider.value, box.value], [[3, 2], "3", "3,2"]);
});

test("sizes are written and read as the address has them", () => {
  const box = new Input("sizes");
  const { store } = bind(["sizes"], [box]);
  box.set("32×32, 32x32");
  assert.deepEqual([store.get().sizes, box.value], [[[32, 32], [32, 32]], "32x32,32x32"]);
});

test("radio buttons are one field, and follow the state", () => {
  const radios = ["none", "shuffle"].map((value) => new Input(`mixing-${value}`, "radio", { name: "mixing", value }));
  const { store } = bind(["mixing"], radios);
  assert.deepEqual(radios.map(({ checked }) => checked), [true, false]);
  radios[1].dispatchEvent(new Event("change"));
  assert.equal(store.get().mixing, "shuffle");
  store.update({ mixing: "rotated" });
  assert.deepEqual(radios.map(({ checked }) => checked), [false, false]);
});

test("what is no value gets its rule, stays written, and is forgiven when the state moves on", () => {
  const [slider, box] = [new Input("deep", "range", { max: "8" }), new Input("deep-number")];
  const { store, said, fields } = bind(["modules"], [slider, box], { modules: "deep" });
  box.set("17");
  assert.deepEqual([...said], [["deep", "Modules must be a whole number from 1 to 16, not “17”."]]);
  assert.deepEqual([store.get(), box.value], [start(), "17"]);
  store.update({ bias: false });
  assert.deepEqual([box.value, said.size], ["17", 1]);
  store.update({ modules: 12 });
  assert.deepEqual([box.value, slider.value, slider.max, said.size], ["12", "12", "12", 0]);
  fields.destroy();
  box.set("3");
  assert.equal(store.get().modules, 12);
});

test("a tick is true or false", () => {
  const tick = new Input("bias", "checkbox");
  const { store } = bind(["bias"], [tick]);
  tick.set("false");
  assert.equal(store.get().bias, false);
});

for (const [key, raw, sentence] of /** @type {const} */ ([
  ["kernel_size", "3x2", "Kernel must be one or two whole numbers, such as 3 or 3,2, from 1 to 7, not “3x2”."],
  ["sizes", "32,32", "Groups must be the inputs and outputs of each group, such as 32x32,16x16, not “32,32”."],
  ["mixing", "stir", "mixing must be one of none, shuffle, rotated, not “stir”."],
])) {
  test(`${raw} is no ${key}`, () => assert.equal(ruleOf(key, table.paramOf(key, {}), raw), sentence));
}

test("a rule without an upper limit names the lower one", () => {
  assert.equal(ruleOf("seed", { kind: "int", min: 0, label: "Seed" }, "x"), "Seed must be a whole number from 0 on, not “x”.");
});
