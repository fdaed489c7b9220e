import { call } from './api.js';
import { byId } from './element.js';

/** Wires the button and the dialog that add a phone; once, when the page starts. */
export function setUpNewPhoneDialog() {
  byId('add-phone').addEventListener('click', () => {
    byId('new-number').value = '';
    byId('new-name').value = '';
    byId('new-phone-result').textContent = '';
    byId('new-phone').showModal();
  });
  byId('new-phone-submit').addEventListener('click', () => void submit());
}

async function submit() {
  const number = byId('new-number').value.replace(/[\s+().-]/g, '');
  const name = byId('new-name').value.trim();
  try {
    await call('POST', '/phones', name === '' ? { number } : { number, name });
    byId('new-phone').close();
  } catch (error) {
    const result = byId('new-phone-result');
    result.textContent = error.message;
    result.className = 'result bad';
  }
}
