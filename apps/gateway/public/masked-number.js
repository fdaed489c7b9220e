import { create, setText, whileBusy } from './element.js';
import { toastError } from './toasts.js';

/** A number that was asked for is hidden again after so long. */
const SHOWN_MS = 30_000;

/** `…7890@s.whatsapp.net` or a whole JID, for people. */
function toNumberWords(jid) {
  const [user = '', server = ''] = jid.split('@');
  const digits = user.replace(/:.*$/, '').replace(/^…/, '•••• ');
  if (server === 'g.us') return `Group ${digits}`;
  if (server === 'lid') return `LID ${digits}`;
  return digits.startsWith('•') ? digits : `+${digits}`;
}

/**
 * A number that is masked until somebody asks for it: only then is it fetched (`read()`, a JID), and it is forgotten again
 * after a while.
 */
export function createMaskedNumber({ subject, read }) {
  const text = create('span', { className: 'number' });
  const button = create('button', { type: 'button', className: 'link' }, 'Show');
  let masked = '';
  let timer;
  const hide = () => {
    clearTimeout(timer);
    timer = undefined;
    setText(text, masked);
    label('Show');
  };
  const label = (word) => {
    button.textContent = word;
    button.setAttribute('aria-label', `${word} the number of ${subject}`);
  };
  button.addEventListener('click', () => {
    if (timer !== undefined) return hide();
    const show = async () => {
      setText(text, toNumberWords(await read()));
      label('Hide');
      timer = setTimeout(hide, SHOWN_MS);
    };
    whileBusy(button, show).catch(toastError);
  });
  label('Show');
  return {
    element: create('span', { className: 'masked' }, text, ' ', button),
    /** Sets what is known without asking; undefined: there is no number. */
    set(jid) {
      masked = jid === undefined ? '–' : toNumberWords(jid);
      button.hidden = jid === undefined;
      if (timer === undefined) setText(text, masked);
    },
  };
}
