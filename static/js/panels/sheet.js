/** On a phone the controls come up from below, and what they change stays in view above them. */

const ROOM = 0.3; // of the window's height: a panel that begins lower would be hidden

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} controls
 * @param {HTMLElement} panel  brought into view where no panel is
 */
export function createSheet(button, controls, panel) {
  function toggle() {
    const open = !controls.classList.contains("open");
    controls.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
    if (open && panel.getBoundingClientRect().top > ROOM * innerHeight) panel.scrollIntoView();
  }

  button.addEventListener("click", toggle);
  return { destroy: () => button.removeEventListener("click", toggle) };
}
