import { call } from './api.js';
import { element } from './element.js';
import { showPicture } from './viewer.js';

const KEY = 'opened-view-once';
const MAX_REMEMBERED = 500;

/** A view-once picture: closed until it is tapped, shown once, then gone from this screen for good. */
export function viewOnceButton(phone, message) {
  const key = `${phone.number} ${message.id}`;
  const isOpened = opened().includes(key);
  const button = element(
    'button',
    { type: 'button', className: 'once', disabled: isOpened || !message.imagePath },
    element('i', {}, '1'),
    element('span', {}, isOpened ? 'Opened' : 'Photo: tap to view once'),
  );
  button.addEventListener('click', () => {
    remember(key);
    button.disabled = true;
    button.lastChild.textContent = 'Opened';
    showPicture(message.imagePath, message.caption);
    call('POST', `/phones/${phone.number}/messages/${encodeURIComponent(message.id)}/read`).catch(() => {});
  });
  return button;
}

function opened() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]');
  } catch {
    return [];
  }
}

function remember(key) {
  localStorage.setItem(KEY, JSON.stringify([...opened(), key].slice(-MAX_REMEMBERED)));
}
