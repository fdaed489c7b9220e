import { call } from './api.js';
import { byId, element } from './element.js';
import { setUpLinkDialog } from './link-dialog.js';
import { setUpNewPhoneDialog } from './new-phone-dialog.js';
import { createPhoneScreen, toName } from './phone-screen.js';

const MESSAGES_SHOWN = 100;
const screens = new Map();
let drawing = false;
let stale = false;

/** Draws the newest state; calls that come meanwhile are answered by one more drawing. */
async function draw() {
  stale = true;
  if (drawing) return;
  drawing = true;
  try {
    while (stale) {
      stale = false;
      await drawOnce();
    }
  } catch {
    setLive(false);
  } finally {
    drawing = false;
  }
}

async function drawOnce() {
  const [{ phones }, { groups }] = await Promise.all([call('GET', '/phones'), call('GET', '/groups')]);
  const names = toNames(phones, groups);
  const lists = await Promise.all(
    phones.map(({ number }) => call('GET', `/phones/${number}/messages?limit=${MESSAGES_SHOWN}`)),
  );
  const main = byId('phones');
  if (phones.length === 0) {
    main.replaceChildren(element('p', { className: 'empty' }, 'No phone yet. Add one to link a device to it.'));
    return;
  }
  main.querySelector(':scope > .empty')?.remove();
  for (const [index, phone] of phones.entries()) {
    let screen = screens.get(phone.number);
    if (!screen) {
      screen = createPhoneScreen(phone.number);
      screens.set(phone.number, screen);
      main.append(screen.node);
    }
    screen.update(phone, lists[index].messages, names);
  }
}

/** Names by number, LID and group JID, for what messages call people and chats. */
function toNames(phones, groups) {
  const names = new Map(groups.map(({ jid, subject }) => [jid, subject]));
  for (const phone of phones) {
    for (const key of [phone.number, phone.lid.replace(/@.*/, '')]) names.set(key, toName(phone));
  }
  return names;
}

function setLive(isLive) {
  const live = byId('live');
  live.textContent = isLive ? 'live' : 'not connected';
  live.classList.toggle('on', isLive);
}

setUpLinkDialog();
setUpNewPhoneDialog();
const events = new EventSource('/events');
events.addEventListener('changed', () => {
  setLive(true);
  void draw();
});
events.addEventListener('error', () => setLive(false));
/** What no event tells of, a device that logged out by itself for one, is seen within five seconds. */
setInterval(() => void draw(), 5_000);
