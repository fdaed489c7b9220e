import { create, whileBusy } from './element.js';
import { toastError } from './toasts.js';

/** A button that does something to a subject, whose name it also says to those who cannot see where it stands. */
export function createAction({ label, subject, className = '', run }) {
  const button = create('button', { type: 'button', className }, label);
  button.setAttribute('aria-label', `${label} ${subject}`);
  button.addEventListener('click', () => {
    whileBusy(button, run).catch(toastError);
  });
  return button;
}

/** Gives an action another label, keeping its focus. */
export function relabel(button, label, subject) {
  if (button.textContent === label) return;
  button.textContent = label;
  button.setAttribute('aria-label', `${label} ${subject}`);
}
