import { call } from './api.js';
import { element } from './element.js';
import { viewOnceButton } from './view-once.js';
import { showPicture } from './viewer.js';

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** One message as a phone shows it. */
export function bubble(phone, message, names) {
  const node = element(
    'li',
    { className: `bubble ${message.type}${message.fromMe ? ' own' : ''}` },
    message.chat.endsWith('@g.us') &&
      !message.fromMe &&
      element('p', { className: 'sender' }, nameOf(message.from, names)),
    message.forwarded && note(message.forwardingScore >= 5 ? '↠ Forwarded many times' : '↪ Forwarded', 'forwarded'),
    message.quoted && quote(message.quoted, names),
    message.type === 'image' && (message.viewOnce ? viewOnceButton(phone, message) : picture(message)),
    message.type === 'other' && note('A message of another kind'),
    message.caption && !message.viewOnce && element('p', { className: 'caption' }, message.caption),
    message.error && note(message.error, 'bad'),
    message.ephemeralSeconds && note(`◷ Disappears after ${toWords(message.ephemeralSeconds)}`, 'timer'),
    message.copies > 1 && note(`Arrived ${message.copies} times`, 'copies'),
    meta(phone, message),
  );
  node.dataset.id = message.id;
  return node;
}

function note(text, className = '') {
  return element('p', { className: `note ${className}` }, text);
}

function quote({ id, text, participant }, names) {
  const author = participant ? nameOf(participant.replace(/[:@].*/, ''), names) : 'Reply to';
  return element('div', { className: 'quoted' }, element('b', {}, author), text || `Message ${id}`);
}

function picture({ imagePath, thumbnailPath, caption, width, height, fileLength }) {
  const image = imagePath && element('img', { src: imagePath, alt: caption || 'Picture', decoding: 'async' });
  const button = element('button', { type: 'button', className: 'picture', disabled: !imagePath }, image);
  button.style.aspectRatio = width && height ? `${width} / ${Math.min(height, width * 1.6)}` : '4 / 3';
  button.title = `${width ?? '?'} × ${height ?? '?'}, ${toSize(fileLength ?? 0)}`;
  if (thumbnailPath) button.style.backgroundImage = `url("${thumbnailPath}")`;
  if (imagePath) button.addEventListener('click', () => showPicture(imagePath, caption));
  return button;
}

function meta(phone, message) {
  const { at, receipt, fromMe } = message;
  const time = new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return element(
    'p',
    { className: 'meta' },
    element('time', { dateTime: new Date(at).toISOString() }, time),
    !fromMe && receipt === 'read' && element('span', { className: 'read' }, '✓✓ Read'),
    !fromMe && receipt === 'delivered' && element('span', {}, '✓✓ Delivered'),
    !fromMe && receipt !== 'read' && readButton(phone, message),
  );
}

function readButton(phone, { id }) {
  const button = element('button', { type: 'button' }, 'Mark read');
  button.addEventListener('click', () => {
    call('POST', `/phones/${phone.number}/messages/${encodeURIComponent(id)}/read`).catch((error) => {
      button.textContent = error.message;
    });
  });
  return button;
}

function nameOf(number, names) {
  return names.get(number) ?? `+${number}`;
}

function toWords(seconds) {
  const [size, unit] = UNITS.find(([length]) => seconds % length === 0) ?? [1, 'second'];
  const count = seconds / size;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

function toSize(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} KB`;
}
