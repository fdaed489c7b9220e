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

/** Sets a text where it differs, so that a selection or a reader in it is not disturbed without need. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a text in a notice, or hides the notice when there is none. */
export function notify(notice, text = '', isBad = true) {
  setText(notice, text);
  notice.hidden = text === '';
  notice.classList.toggle('bad', isBad);
}

/** Says something to people who listen to the page instead of looking at it. */
export function announce(text) {
  byId('announcer').textContent = text;
}

/** Runs an action while its button takes no second press; the button keeps the focus. */
export async function whileBusy(button, action) {
  if (button.ariaDisabled === 'true') return undefined;
  button.ariaDisabled = 'true';
  try {
    return await action();
  } finally {
    button.ariaDisabled = null;
  }
}
