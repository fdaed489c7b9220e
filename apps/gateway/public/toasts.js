import { byId, create } from './element.js';

const GOOD_MS = 5_000;
const MAX_TOASTS = 3;

/** Says what came of an action. What went well goes away by itself; what did not stays until it is read. */
export function toast(text, isBad = false) {
  const close = create('button', { type: 'button', className: 'quiet' }, '✕');
  close.setAttribute('aria-label', 'Dismiss');
  const shown = create('div', { className: isBad ? 'toast bad' : 'toast' }, create('p', {}, text), close);
  shown.setAttribute('role', isBad ? 'alert' : 'status');
  close.addEventListener('click', () => shown.remove());
  const region = byId('toasts');
  region.append(shown);
  while (region.children.length > MAX_TOASTS) region.firstElementChild.remove();
  if (!isBad) setTimeout(() => shown.remove(), GOOD_MS);
}

/** The words for an error of the API. */
export function toastError(error) {
  toast(error.code ? `${error.message} (${error.code})` : error.message, true);
}
