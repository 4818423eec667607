/** Text in a CSV stays text: the page's files by the same cases as the server's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { toCsv } from "../../static/js/model/csv.js";

const golden = JSON.parse(readFileSync(new URL("../golden/cells.json", import.meta.url), "utf8"));

for (const { text, csv } of golden) {
  test(`CSV shows ${JSON.stringify(text)} and does not work it out`, () => {
    assert.equal(toCsv([{ name: text, macs: -3 }]), `name,macs\r\n${csv},-3\r\n`);
    assert.equal(toCsv([{ [text]: -3, macs: null }]), `${csv},macs\r\n-3,\r\n`);
  });
}
