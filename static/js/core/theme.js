/** Light, dark or the system's choice; and the tokens as canvases and charts need them. */

const KEY = "groupscope-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
/** @type {Set<() => void>} */
const watchers = new Set();

/** @typedef {"auto"|"light"|"dark"} Theme */

/** @returns {Theme} */
export function chosenTheme() {
  const value = document.documentElement.dataset.theme;
  return value === "light" || value === "dark" ? value : "auto";
}

function isDark() {
  const theme = chosenTheme();
  return theme === "auto" ? dark.matches : theme === "dark";
}

/**
 * What the button leads to: first the opposite of what is shown, then the other one, then the system's choice again.
 * @returns {Theme}
 */
export function nextTheme() {
  const theme = chosenTheme();
  const opposite = dark.matches ? "light" : "dark";
  if (theme === "auto") return opposite;
  return theme === opposite ? (dark.matches ? "dark" : "light") : "auto";
}

/** @param {Theme} theme */
export function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is switched off: the theme holds for this visit.
  }
  announce();
}

function announce() {
  for (const watcher of [...watchers]) watcher();
}

dark.addEventListener("change", announce);

/**
 * Calls `fn` after each change of theme.
 * @param {() => void} fn
 * @returns {() => void} stops it
 */
export function onTheme(fn) {
  watchers.add(fn);
  return () => {
    watchers.delete(fn);
  };
}

/**
 * The value of a token in the theme that shows now.
 * @param {string} name  such as `--ink`
 * @returns {string}
 */
export function token(name) {
  const raw = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const other = /^var\((--[\w-]+)\)$/.exec(raw);
  if (other) return token(other[1]);
  const both = /^light-dark\(\s*([^,]+?)\s*,\s*([^,]+?)\s*\)$/.exec(raw);
  return both ? both[isDark() ? 2 : 1] : raw;
}
