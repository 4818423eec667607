/** @param {HTMLElement} host */
export function createRedundancy(host) {
  host.dataset.painted = "";
  return { destroy() {} };
}
