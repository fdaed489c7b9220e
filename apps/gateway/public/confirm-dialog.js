import { byId } from './element.js';

/**
 * Asks before something that cannot be undone; resolves with whether the answer was yes. Escape means no, and so does
 * Enter right away: the harmless answer has the focus.
 */
export function confirm({ title, text, action, dismiss = 'Cancel' }) {
  const dialog = byId('confirm');
  byId('confirm-title').textContent = title;
  byId('confirm-text').textContent = text;
  dialog.querySelector('[value="yes"]').textContent = action;
  dialog.querySelector('[value="no"]').textContent = dismiss;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
