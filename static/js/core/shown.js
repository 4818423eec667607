/** Waiting for another panel: what follows the finger goes first, what need not goes after it. */

/**
 * Resolves once panel `id` shows the state that `wanted` tells, or after `most` milliseconds.
 * @param {string} id
 * @param {() => string} wanted  as its `data-painted` has it
 * @param {number} most
 * @returns {Promise<void>}
 */
export function shown(id, wanted, most) {
  const panel = document.getElementById(id);
  const there = () => !panel || panel.dataset.painted === wanted();
  if (!panel || there()) return Promise.resolve();
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => there() && done());
    const timer = setTimeout(done, most);
    function done() {
      clearTimeout(timer);
      observer.disconnect();
      resolve();
    }
    observer.observe(panel, { attributes: true, attributeFilter: ["data-painted"] });
  });
}
