import { call } from './api.js';
import { DeviceList } from './device-list.js';
import { byId } from './element.js';
import { LinkDialog } from './link-dialog.js';
import { createSendForm } from './send-form.js';
import { createSignIn } from './sign-in.js';

const REFRESH_MS = 2000;

let timer;
const link = new LinkDialog({ onEnd: refresh });
const list = new DeviceList({ onLink: (device) => link.open(device), onChange: refresh });
const sendForm = createSendForm();
const signIn = createSignIn({ onSignedIn: refresh });

/** Asks for the devices and shows them, then again in a while as long as somebody is looking. */
async function refresh() {
  clearTimeout(timer);
  try {
    const devices = await call('GET', 'devices');
    list.show(devices);
    sendForm.offer(devices);
    byId('devices').hidden = false;
    byId('gateway').textContent = toSummary(devices);
  } catch (error) {
    showProblem(error);
    if (error.status === 401) return;
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, REFRESH_MS);
}

function showProblem(error) {
  byId('gateway').textContent = error.status === 401 ? 'Not signed in' : error.message;
  if (error.status !== 401) return;
  byId('devices').hidden = true;
  byId('send').hidden = true;
  signIn.show();
}

function toSummary(devices) {
  const connected = devices.filter(({ connection }) => connection.state === 'connected').length;
  return devices.length === 0 ? 'Ready' : `${connected} of ${devices.length} connected`;
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});
void refresh();
