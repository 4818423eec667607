/** Links by chance: each opens as a legal state, and the state's own link opens as that state, with nothing to say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as layer from "../../static/js/core/url.js";
import * as measure from "../../static/js/model/measurestate.js";
import * as network from "../../static/js/model/networkstate.js";
import { TABLE } from "../../static/js/model/params.js";
import { settleLink } from "../../static/js/model/settle.js";
import * as stack from "../../static/js/model/stackstate.js";
import * as train from "../../static/js/model/trainstate.js";
import { createTable } from "../../static/js/model/table.js";
import { chanceOf, searchOf } from "./fuzz.js";

const LINKS = 1500;
/** What the server says of each page's parameters; tests/app/test_fuzz_urls.py holds it to that. @type {Record<string, import("../../static/js/model/table.js").Params>} */
const SERVER = JSON.parse(readFileSync(new URL("../golden/parameters.json", import.meta.url), "utf8"));
const IDS = ["alexnet-2012", "resnet-50", "own"];

/** @typedef {{state: any, errors: {field: string, message: string}[]}} Read */
/** @type {Record<string, {table: any, read: (search: string) => Read, canonical: (state: any) => string}>} */
const PAGES = {
  layer: { table: createTable(TABLE), read: readLayer, canonical: layer.canonical },
  stack: { table: stack.table, read: (search) => stack.parseQuery(search, SERVER.stack), canonical: stack.canonical },
  measure: { table: measure.table, read: (search) => measure.parseQuery(search, SERVER.measure), canonical: measure.canonical },
  train: { table: train.table, read: (search) => train.parseQuery(search, SERVER.train), canonical: train.canonical },
  networks: { table: network.networkTable, read: (search) => network.parseQuery(search, IDS), canonical: network.canonical },
};

/** As the page itself does. @param {string} search @param {import("../../static/js/model/table.js").Params} [params] @returns {Read} */
function readLayer(search, params = SERVER.layer) {
  const link = layer.parseQuery(search, params);
  const { state, errors } = settleLink(link.state, params);
  return { state, errors: [...link.errors, ...errors] };
}

for (const [page, { table, read, canonical }] of Object.entries(PAGES)) {
  test(`any link to ${page} opens, and the state's own link opens the same`, () => {
    const chance = chanceOf(20261125);
    const { channel, ...params } = SERVER[page] ?? {}; // of the stack's page, which has a -1 that the server has not
    const rows = Object.fromEntries(table.KEYS.map((/** @type {string} */ key) => [key, table.paramOf(key, params)]));
    for (let n = 0; n < LINKS; n++) {
      const search = searchOf(chance, rows);
      const { state, errors } = read(search);
      for (const { field, message } of errors) assert.ok(field in table.rows && message.length < 300, search);
      for (const key of table.KEYS) {
        assert.deepEqual(table.readValue(key, table.writeValue(key, state[key]), params), state[key], `${key} of ${search}`);
      }
      const link = canonical(state);
      const again = read(`?${link}`);
      assert.deepEqual(again.errors, [], search);
      assert.equal(canonical(again.state), link, search);
      const told = [...new URLSearchParams(link).keys()]; // a network says nothing where no weights are taken from it
      for (const key of told) assert.deepEqual(again.state[key], state[key], `${key} of ${search}`);
    }
  });
}

test("the link of a stack without a value under inspection has nothing wrong with it", () => {
  const { state, errors } = stack.parseQuery("channel=-1", SERVER.stack);
  assert.deepEqual([state.channel, errors], [-1, []]);
});

test("a link to no picture opens the first one", () => {
  const first = SERVER.layer.image.default;
  for (const read of [readLayer, PAGES.stack.read]) assert.deepEqual([read("image=").state.image, read("image=").errors], [first, []]);
});

test("minus nothing is nothing, and no number is endless", () => {
  assert.ok(Object.is(layer.parseQuery("seed=-0", {}).state.seed, 0));
  const { state, errors } = network.parseQuery('edits={"a":{"groups":1e999}}', IDS);
  assert.deepEqual([state.edits, errors.length], [{}, 1]);
});

test("a link to a layer that can't be is replaced as a whole", () => {
  const { state, errors } = readLayer("padding=999999999999999&kernel_size=3", {});
  assert.deepEqual(state, readLayer("", {}).state);
  assert.deepEqual(errors.map(({ field }) => field), ["size", "size"]);
});

test("a layer whose bytes pass 2^53 is replaced, though its FLOPs do not", () => {
  const { state, errors } = readLayer("in_channels=64&out_channels=64&size=1024&kernel_size=2&padding=0");
  assert.deepEqual([state.size, errors.map(({ field }) => field)], [224, ["size"]]);
});

test("a rate is read as long as programs write it", () => {
  const { state, errors } = train.parseQuery("weight_decay=0.30000000000000004&learning_rate=1e-300", {});
  assert.deepEqual([state.weight_decay, state.learning_rate, errors], [0.1 + 0.2, 1e-300, []]);
});
