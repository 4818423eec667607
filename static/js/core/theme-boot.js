// A classic script, loaded before the style sheets: a stored theme must hold from the first paint.
(() => {
  try {
    const theme = localStorage.getItem("groupscope-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is switched off: the system's choice stays.
  }
})();
