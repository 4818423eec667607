/** Rows as comma-separated values, RFC 4180: what a spreadsheet opens. */

/**
 * @param {unknown} value
 */
function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
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
