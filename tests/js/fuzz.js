/**
 * Links as nobody would write them, the same for a seed: what each page's table knows, well and badly spelt, and noise.
 *
 * @typedef {import("../../static/js/model/table.js").Row} Row
 * @typedef {() => number} Chance  from 0 to below 1
 */

/** A generator of numbers by chance (mulberry32). @param {number} seed @returns {Chance} */
export function chanceOf(seed) {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @template T @param {Chance} chance @param {readonly T[]} of @returns {T} */
export const pick = (chance, of) => of[Math.floor(chance() * of.length)];

const NOISE = [
  "", " ", "0", "-0", "-1", "1", "+1", "00003", "1.5", ".5", "5.", "1e3", "1e999", "1e-400", "NaN", "Infinity", "null", "undefined", "[]", "{}",
  "999999999999999", "9".repeat(400), "٣", "３", "3\0", "3\n", "0x10", "true", "FALSE", "constructor", "__proto__", "toString", "hasOwnProperty",
  "<img src=x onerror=alert(1)>", "%00", "%", "\ud800", "\u202e", "a".repeat(5000), "3,3", "3,", ",3", "3,3,3", "1x1", "1×1", "0x0", "1x1,", "🦄",
];
const JSONS = [
  "[0]", "[1,2,3]", "[-1]", "[1e2]", "[1e999]", "[1.5]", "[null]", "[[]]", "[9007199254740993]", `[${"1,".repeat(8)}1]`, "{", '{"a":{}}',
  '{"a":{"groups":1e999}}', '{"a":{"kernel_size":[3,1e999]}}', '{"__proto__":{"groups":2}}', '{"a":{"__proto__":3}}', '{"a":null}',
  '{"a":{"bias":false,"name":"<b>"}}', '{"a":{"grouping":{"scheme":"custom","sizes":[[1,2],[3,4]]}}}',
  '[{"network":"alexnet-2012","policy":null,"hold":"params","edits":{}}]', '[{"network":"alexnet-2012"}]', `${"[".repeat(3000)}${"]".repeat(3000)}`,
  '[{"network":"alexnet-2012","policy":{"kind":"uniform","scope":"all","groups":2},"hold":"macs","edits":{"a":{"groups":2}}}]', '"text"', "7",
];

/**
 * A text for a row: most often what its kind means.
 * @param {Chance} chance
 * @param {Row} row
 */
export function textFor(chance, row) {
  if (chance() < 0.25) return pick(chance, NOISE);
  const whole = () => String(pick(chance, [row.min ?? 0, row.max ?? 2048, (row.min ?? 0) - 1, (row.max ?? 2048) + 1, 1, 2, 3, 4, 6, 8, 12, 63, 64]));
  switch (row.kind) {
    case "int": return whole();
    case "pair": return chance() < 0.5 ? whole() : `${whole()},${whole()}`;
    case "number": case "real": return pick(chance, ["0.1", "1e-3", "5E-4", "0.30000000000000004", "1e-300", "100000", "0.001", whole()]);
    case "bool": return pick(chance, ["true", "false", "1", "0", "True"]);
    case "choice": return pick(chance, row.choices ?? [""]);
    case "list": return (row.choices ?? []).filter(() => chance() < 0.6).join(",");
    case "sizes": return Array.from({ length: 1 + Math.floor(chance() * 4) }, () => `${whole()}x${whole()}`).join(",");
    case "hash": return pick(chance, ["a", "0", "G"]).repeat(pick(chance, [63, 64, 64]));
    case "run": return pick(chance, ["a", "0", "G"]).repeat(pick(chance, [31, 32, 32]));
    case "id": return pick(chance, ["fashion-standard", "0".repeat(64), "a--b", "../x"]);
    case "word": return pick(chance, ["alexnet-2012", "resnet-50", "own", "lenet", "-"]);
    case "json": return pick(chance, JSONS);
  }
}

/**
 * A link's query.
 * @param {Chance} chance
 * @param {Record<string, Row>} rows
 */
export function searchOf(chance, rows) {
  const share = pick(chance, [0.1, 0.3, 1]);
  const keys = Object.keys(rows).filter(() => chance() < share);
  if (chance() < 0.2) keys.push(pick(chance, [...keys, "nothing", "__proto__", "constructor", ""]));
  const parts = keys.map((key) => {
    const text = textFor(chance, Object.hasOwn(rows, key) ? rows[key] : { kind: "int", default: 0 });
    return `${key}=${chance() < 0.9 ? encodeURIComponent(text.isWellFormed() ? text : "�") : text}`;
  });
  return `${pick(chance, ["", "?"])}${parts.join(pick(chance, ["&", "&", "&", "&&", ";"]))}`;
}
