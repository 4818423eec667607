/**
 * Prints what links by chance open, for tests/app/test_fuzz_urls.py: `node tests/js/linkstates.js SEED COUNT`.
 *
 * A JSON list of {page, search, state, asks, read}: asks are [address, query] as the page sends them, read is {name: [text,
 * as it is written again]} of each parameter in the link, null where the page refuses the text.
 */
import { readFileSync } from "node:fs";

import * as layer from "../../static/js/core/url.js";
import * as measure from "../../static/js/model/measurestate.js";
import { TABLE } from "../../static/js/model/params.js";
import { settleLink } from "../../static/js/model/settle.js";
import * as stack from "../../static/js/model/stackstate.js";
import { createTable } from "../../static/js/model/table.js";
import * as train from "../../static/js/model/trainstate.js";
import { chanceOf, searchOf } from "./fuzz.js";

/** @type {Record<string, import("../../static/js/model/table.js").Params>} */
const SERVER = JSON.parse(readFileSync(new URL("../golden/parameters.json", import.meta.url), "utf8"));

/** @type {Record<string, {table: any, read: (search: string, params: any) => any, asks: (state: any) => [string, string][]}>} */
const PAGES = {
  layer: {
    table: createTable(TABLE),
    read: (search, params) => settleLink(layer.parseQuery(search, params).state, params).state,
    asks: (state) => [
      ["/api/layer", `${layer.layerQuery(state)}&height=${state.size}&width=${state.size}`], ["/api/depth", layer.depthQuery(state)],
      ["/api/feature-maps", layer.mapsQuery(state)],
    ],
  },
  stack: {
    table: stack.table,
    read: (search, params) => stack.parseQuery(search, params).state,
    asks: (state) => [
      ["/api/stack", stack.numbersQuery(state)], ["/api/stack", stack.numbersQuery(state, "b")], ["/api/stack/energy", stack.sideQuery(state, "b")],
    ],
  },
  measure: {
    table: measure.table,
    read: (search, params) => measure.parseQuery(search, params).state,
    asks: (state) => [["/api/layer", measure.layerQuery(state)], ["/api/measurements/plan", measure.canonical(state)]],
  },
  train: {
    table: train.table,
    read: (search, params) => train.parseQuery(search, params).state,
    asks: (state) => [["/api/trainings/plan", train.runQuery(state)]],
  },
};

const [seed, count] = process.argv.slice(2).map(Number);
const chance = chanceOf(seed);
const links = Array.from({ length: count }, (_, n) => {
  const page = Object.keys(PAGES)[n % Object.keys(PAGES).length];
  const { table, read, asks } = PAGES[page];
  const rows = Object.fromEntries(table.KEYS.map((/** @type {string} */ key) => [key, table.paramOf(key, SERVER[page])]));
  const search = searchOf(chance, rows).replace(/^\?/, "");
  const state = read(search, SERVER[page]);
  const given = new URLSearchParams(search);
  const texts = table.KEYS.filter((/** @type {string} */ key) => given.has(key)).map((/** @type {string} */ key) => {
    const text = given.get(key) ?? "";
    const value = table.readValue(key, text, SERVER[page]);
    return [key, [text, value === undefined ? null : table.writeValue(key, value)]];
  });
  return { page, search, state, asks: asks(state), read: Object.fromEntries(texts) };
});
process.stdout.write(JSON.stringify(links));
