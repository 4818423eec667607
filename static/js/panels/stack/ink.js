/** @param {HTMLElement} host */
export function createInk(host) {
  host.dataset.painted = "";
  return { destroy() {} };
}
