/** @param {HTMLElement} host */
export function createScale(host) {
  host.dataset.painted = "";
  return { destroy() {} };
}
