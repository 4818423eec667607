/**
 * The property table of the layer page's state: order in the URL, kind, and what holds where the server's table is silent.
 *
 * @typedef {import("../core/store.js").State} State
 * @typedef {Exclude<keyof State, "selected">} Key
 * @typedef {import("./table.js").Params} Params
 * @typedef {import("./table.js").Param} Param
 */
import { createTable, row } from "./table.js";

/** In the canonical order of the URL. */
export const TABLE = /** @type {Record<Key, import("./table.js").Row>} */ ({
  image: row("hash", ""),
  size: row("int", 224, { min: 1 }),
  in_channels: row("int", 64, { min: 1 }),
  out_channels: row("int", 64, { min: 1 }),
  kernel_size: row("pair", "3,3", { min: 1 }),
  stride: row("pair", "1,1", { min: 1 }),
  padding: row("pair", "1,1", { min: 0 }),
  dilation: row("pair", "1,1", { min: 1 }),
  bias: row("bool", true),
  scheme: row("choice", "logarithmic", { choices: ["standard", "uniform", "logarithmic", "depthwise", "custom"] }),
  groups: row("int", 4, { min: 1 }),
  base: row("int", 2, { min: 2, max: 64 }),
  sizes: row("sizes", ""),
  weights: row("choice", "filter-bank", { choices: ["filter-bank", "random", "trained"] }),
  checkpoint: row("id", ""),
  seed: row("int", 0, { min: 0 }),
  gain: row("choice", "cut", { choices: ["cut", "fan-in"] }),
  relu: row("bool", true),
  scaling: row("choice", "map", { choices: ["map", "group", "shared"] }),
  unit: row("choice", "macs", { choices: ["macs", "flops"] }),
  depth: row("int", 16, { min: 1, max: 64 }),
  stage: row("int", 4, { min: 1, max: 64 }),
  halve: row("bool", true),
  metric: row("choice", "macs", { choices: ["params", "macs", "flops"] }),
  cumulative: row("bool", false),
  log: row("bool", true),
});

export const { KEYS, paramOf, readValue, writeValue, defaultOf } = createTable(TABLE);
