/** Each page preloads the modules it imports: all of them, and no others. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const read = (/** @type {string|URL} */ path) => readFileSync(new URL(path, root), "utf8");

/**
 * Every module that an entry reaches by static imports.
 * @param {URL} url
 * @param {Set<string>} found
 */
function reach(url, found) {
  if (found.has(url.href)) return found;
  found.add(url.href);
  for (const [, path] of read(url).matchAll(/^(?:import|export)\b[^"']*["'](\.[^"']+)["'];$/gm)) {
    reach(new URL(path, url), found);
  }
  return found;
}

for (const [template, entry] of [["index", "main"], ["networks", "networks"], ["stack", "stack"], ["train", "train"]]) {
  test(`modulepreload links of ${template}.html are the graph of imports`, () => {
    const js = new URL("static/js/", root).href;
    const reached = [...reach(new URL(`static/js/${entry}.js`, root), new Set())].map((href) => href.slice(js.length, -3));
    const list = /** @type {RegExpExecArray} */ (/{% for module in \[(.*?)\] -%}/s.exec(read(`templates/${template}.html`)))[1];
    const preloaded = [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name);
    assert.deepEqual(preloaded.toSorted(), reached.filter((name) => name !== entry).toSorted());
  });
}
