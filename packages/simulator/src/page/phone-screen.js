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
  const link = element('button', { type: 'button', className: 'button quiet' }, 'Link a device');
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

  const update = (latest, messages, subjects) => {
    phone = latest;
    name.textContent = latest.name;
    avatar.textContent = initials(latest.name);
    status.textContent = [latest.name === `${number}` ? '' : `+${number}`, linkedText(latest.linked.length)]
      .filter(Boolean)
      .join(' · ');
    screen.setAttribute('aria-label', `Messages of ${latest.name}`);
    const wasAtEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 60;
    screen.replaceChildren(...toRows(latest, messages, subjects, shown));
    if (wasAtEnd) screen.scrollTop = screen.scrollHeight;
  };
  return { node, update };
}

function toRows(phone, messages, subjects, shown) {
  if (messages.length === 0) return [element('li', { className: 'empty' }, 'Nothing received yet')];
  const rows = [];
  let chat;
  for (const message of messages) {
    if (message.chat !== chat) {
      chat = message.chat;
      rows.push(
        element(
          'li',
          { className: 'chat' },
          subjects.get(chat) ?? `+${message.fromMe ? chat.replace(/@.*/, '') : message.from}`,
        ),
      );
    }
    const state = JSON.stringify(message);
    const key = `${message.from} ${message.id}`;
    const known = shown.get(key);
    if (known?.state !== state) shown.set(key, { state, node: bubble(phone, message) });
    rows.push(shown.get(key).node);
  }
  const kept = new Set(messages.map(({ from, id }) => `${from} ${id}`));
  for (const key of shown.keys()) if (!kept.has(key)) shown.delete(key);
  return rows;
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
