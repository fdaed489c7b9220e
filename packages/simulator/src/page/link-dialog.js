import { call } from './api.js';
import { byId } from './element.js';
import { readQrPicture } from './qr-picture.js';

let phone;

/** Lets the phone scan a QR (a picture or its text) or take a pairing code. */
export function openLinkDialog(target) {
  phone = target;
  byId('link-title').textContent = `Link a device to ${target.name}`;
  for (const id of ['qr-text', 'pairing-code', 'qr-picture']) byId(id).value = '';
  say('');
  byId('link').showModal();
}

/** Wires the dialog's fields; once, when the page starts. */
export function setUpLinkDialog() {
  const drop = byId('drop');
  const input = byId('qr-picture');
  input.addEventListener('change', () => void take(input.files[0]));
  for (const type of ['dragenter', 'dragover']) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  for (const type of ['dragleave', 'drop']) drop.addEventListener(type, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    void take(event.dataTransfer.files[0]);
  });
  byId('link').addEventListener('paste', (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith('image/'));
    if (!file) return;
    event.preventDefault();
    void take(file);
  });
  byId('link-submit').addEventListener('click', () => void submit());
  byId('pairing-code').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    void submit();
  });
}

async function take(file) {
  if (!file) return;
  say('Reading the picture …');
  try {
    byId('qr-text').value = await readQrPicture(file);
    await submit();
  } catch (error) {
    say(error.message, 'bad');
  }
}

async function submit() {
  const qr = byId('qr-text').value.trim();
  const code = byId('pairing-code').value.trim();
  if (qr === '' && code === '') return say('Give a QR or a pairing code.', 'bad');
  const button = byId('link-submit');
  button.disabled = true;
  say('Linking …');
  try {
    const path = `/phones/${phone.number}`;
    const answer = await (qr === ''
      ? call('POST', `${path}/link-code`, { code })
      : call('POST', `${path}/scan`, { qr }));
    say(`Linked ${answer.device}`, 'good');
  } catch (error) {
    say(error.message, 'bad');
  } finally {
    button.disabled = false;
  }
}

function say(text, mood = '') {
  const result = byId('link-result');
  result.textContent = text;
  result.className = `result ${mood}`;
}
