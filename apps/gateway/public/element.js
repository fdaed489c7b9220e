/** The element with this id, which index.html is known to have. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Creates an element; children are elements or text, never markup. */
export function create(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Shows a text in a notice, or hides the notice when there is none. */
export function notify(notice, text = '', isBad = true) {
  notice.textContent = text;
  notice.hidden = text === '';
  notice.classList.toggle('bad', isBad);
}

/** Says something to people who listen to the page instead of looking at it. */
export function announce(text) {
  byId('announcer').textContent = text;
}

/** Runs an action with its button disabled, so that it is not started twice. */
export async function whileBusy(button, action) {
  button.disabled = true;
  try {
    return await action();
  } finally {
    button.disabled = false;
  }
}
