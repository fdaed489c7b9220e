import { call } from './api.js';
import { byId, notify, whileBusy } from './element.js';

/** The form that exchanges an API key for the page's cookie; the key itself is not kept. `onSignedIn()` follows. */
export function createSignIn({ onSignedIn }) {
  const section = byId('sign-in');
  const form = section.querySelector('form');
  const notice = section.querySelector('.notice');
  const submit = async () => {
    try {
      await call('POST', 'session', { key: new FormData(form).get('key') });
    } catch (error) {
      notify(notice, error.message);
      return;
    }
    notify(notice);
    form.reset();
    section.hidden = true;
    await onSignedIn();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void whileBusy(form.querySelector('button'), submit);
  });
  return {
    show() {
      if (!section.hidden) return;
      section.hidden = false;
      byId('key').focus();
    },
  };
}
