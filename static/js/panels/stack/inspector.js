/** @param {HTMLDialogElement} dialog @param {any} deps @returns {{open: (side: "a"|"b", channel: number, row?: number, column?: number) => void, destroy: () => void}} */
export function createInspector(dialog, deps) {
  return { open: (side, channel) => deps.store.update({ inspected: side, channel }), destroy: () => dialog.close() };
}
