/** Rows as comma-separated values, RFC 4180: what a spreadsheet opens. */

// What makes a spreadsheet take text for a formula, as it comes and as wide as Chinese and Japanese write it.
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const NUMBER = /^-?\d+$/;

/**
 * @param {unknown} value
 */
function cell(value) {
  const plain = value === null || value === undefined ? "" : String(value);
  const text = typeof value === "string" && FORMULA.test(plain) && !NUMBER.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {readonly Record<string, unknown>[]} rows  all with the keys of the first
 */
export function toCsv(rows) {
  const keys = Object.keys(rows[0] ?? {});
  const lines = [keys, ...rows.map((row) => keys.map((key) => row[key]))];
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}
