import { bubble } from './bubble.js';
import { element } from './element.js';
import { openLinkDialog } from './link-dialog.js';

/** One phone: its head, and its messages; `update` redraws only what changed. */
export function createPhoneScreen(number) {
  const name = element('h2');
  const status = element('p');
  const avatar = element('span', { className: 'avatar', ariaHidden: 'true' });
  const hue = [...number].reduce((sum, digit) => (sum * 31 + Number(digit)) % 360, 7);
  avatar.style.background = `hsl(${hue} 45% 42%)`;
  const link = element('button', { type: 'button', className: 'button quiet', ariaLabel: 'Link a device' }, 'Link');
  const screen = element('ol', { className: 'screen', tabIndex: 0 });
  const node = element(
    'section',
    { className: 'phone' },
    element('header', {}, avatar, element('div', { className: 'who' }, name, status), link),
    screen,
  );
  node.dataset.number = number;
  const shown = new Map();
  let phone = { number };
  link.addEventListener('click', () => openLinkDialog(phone));

  const update = (latest, messages, names) => {
    phone = latest;
    name.textContent = toName(latest);
    avatar.textContent = initials(latest.name);
    const linked = linkedText(latest.linked.length);
    status.textContent = latest.name === number ? linked : `+${number} · ${linked}`;
    screen.setAttribute('aria-label', `Messages of ${toName(latest)}`);
    const wasAtEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 60;
    screen.replaceChildren(...toRows(latest, messages, names, shown));
    if (wasAtEnd) screen.scrollTop = screen.scrollHeight;
  };
  return { node, update };
}

function toRows(phone, messages, names, shown) {
  if (messages.length === 0) return [element('li', { className: 'empty' }, 'Nothing received yet')];
  const rows = [];
  let chat;
  for (const message of messages.toSorted((a, b) => a.at - b.at)) {
    if (message.chat !== chat) {
      chat = message.chat;
      rows.push(element('li', { className: 'chat' }, names.get(chat) ?? names.get(toNumber(chat)) ?? chat));
    }
    const state = JSON.stringify(message);
    const key = `${message.from} ${message.id}`;
    const known = shown.get(key);
    if (known?.state !== state) shown.set(key, { state, node: bubble(phone, message, names) });
    rows.push(shown.get(key).node);
  }
  const kept = new Set(messages.map(({ from, id }) => `${from} ${id}`));
  for (const key of shown.keys()) if (!kept.has(key)) shown.delete(key);
  return rows;
}

/** What a phone goes by: its name, or its number when it was given none. */
export function toName({ name, number }) {
  return name === number ? `+${number}` : name;
}

function toNumber(jid) {
  return jid.replace(/[:@].*/, '');
}

function linkedText(count) {
  if (count === 0) return 'no linked device';
  return count === 1 ? '1 linked device' : `${count} linked devices`;
}

function initials(name) {
  if (/^\d+$/.test(name)) return name.slice(-2);
  return name
    .split(/\s+/, 2)
    .map((word) => [...word][0])
    .join('')
    .toUpperCase();
}
