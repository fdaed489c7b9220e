import { call } from './api.js';
import { createDeviceList } from './device-list.js';
import { byId, notify, setText, whileBusy } from './element.js';
import { createLaneList } from './lane-list.js';
import { LinkDialog } from './link-dialog.js';
import { Live } from './live.js';
import { createMessageList } from './message-list.js';
import { createOverview } from './overview.js';
import { createSendForm } from './send-form.js';
import { createSignIn } from './sign-in.js';
import { Store } from './store.js';
import { tickTimes, toClock } from './times.js';
import { toastError } from './toasts.js';
import { createViews } from './views.js';

const LIVE_WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Not live',
  reconnecting: 'Reconnecting',
  refused: 'Not signed in',
};

const store = new Store({ onChange: show });
const link = new LinkDialog();
const onLink = (deviceId) => link.open(deviceId);
const lists = { devices: createDeviceList({ store, onLink }), lanes: createLaneList({ store }) };
const messageList = createMessageList({ store });
const overview = createOverview({ store, onOpen: (view, filter) => lists[view].filter.set(filter) });
const sendForm = createSendForm();
const live = new Live({ store, onState });
const signIn = createSignIn({ onSignedIn: () => live.start() });
let liveUntil;

/** Draws what is known; nothing before everything has been told once. */
function show() {
  if (!store.isComplete) return;
  byId('dashboard').hidden = false;
  overview.show();
  for (const { show: showList } of [...Object.values(lists), messageList]) showList();
  sendForm.offer([...store.devices.values()]);
  byId('sign-out').hidden = !store.me.session;
  for (const element of document.querySelectorAll('[data-needs]')) element.hidden = !store.may(element.dataset.needs);
}

function onState(state, error) {
  setText(byId('live'), LIVE_WORDS[state]);
  byId('live').dataset.state = state;
  if (state === 'live') liveUntil = undefined;
  else liveUntil ??= new Date();
  notify(byId('outage'), toOutage(state));
  if (state !== 'refused') return;
  byId('dashboard').hidden = true;
  if (error.status === 401) signIn.show();
  else notify(byId('outage'), `${error.message}. Sign in with another key.`);
}

/** What is wrong with what the page shows. */
function toOutage(state) {
  const shown = store.isComplete ? ` What you see is from ${toClock(liveUntil ?? new Date())}.` : '';
  if (state === 'stale') return `The gateway cannot reach Redis.${shown}`;
  if (state === 'reconnecting') return `The connection to the gateway was lost; trying again.${shown}`;
  return '';
}

byId('sign-out').addEventListener('click', ({ currentTarget }) => {
  const signOut = async () => {
    await call('DELETE', 'session');
    location.reload();
  };
  whileBusy(currentTarget, signOut).catch(toastError);
});
createViews({ onShow: show });
tickTimes(() => store.now());
live.start();
