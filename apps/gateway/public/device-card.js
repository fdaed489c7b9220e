import { call, devicePath } from './api.js';
import { confirm } from './confirm-dialog.js';
import { create, whileBusy } from './element.js';

const STATES = {
  unpaired: ['Not linked', ''],
  pairing: ['Waiting for the scan', ''],
  connecting: ['Connecting', ''],
  connected: ['Connected', 'good'],
  disconnected: ['Disconnected', 'bad'],
  logged_out: ['Logged out', 'bad'],
};

/** The words for a device's state, and how they look. */
export function toStateWords({ connection }) {
  const [words, look] = STATES[connection.state] ?? [connection.state, ''];
  return { words, look };
}

/**
 * One device as a list item. `onLink(device)` opens the linking dialog; `onChange()` asks for a fresh list;
 * `onProblem(error)` shows what went wrong.
 */
export function createDeviceCard(device, { onLink, onChange, onProblem }) {
  const { device_id: deviceId, connection } = device;
  const { words, look } = toStateWords(device);
  const isLinked = device.jid !== undefined && connection.state !== 'logged_out';
  const act = (label, className, action) => {
    const button = create('button', { type: 'button', className }, label);
    button.setAttribute('aria-label', `${label} ${deviceId}`);
    button.addEventListener('click', () => whileBusy(button, action).catch(onProblem));
    return button;
  };
  const link = act('Link', 'primary', async () => onLink(device));
  const logOut = act('Log out', '', async () => {
    const text = 'The phone forgets this device. It can be linked again at any time.';
    if (!(await confirm(`Log out ${deviceId}?`, text, 'Log out'))) return;
    await call('POST', devicePath(deviceId, '/logout'));
    await onChange();
  });
  const reconnect = act('Reconnect', '', async () => {
    await call('POST', devicePath(deviceId, '/reconnect'));
    await onChange();
  });
  const remove = act('Delete', 'danger', async () => {
    const text = 'Its link to WhatsApp is removed, and messages still waiting for it fail. This cannot be undone.';
    if (!(await confirm(`Delete ${deviceId}?`, text, 'Delete'))) return;
    await call('DELETE', devicePath(deviceId));
    await onChange();
  });
  const choices = isLinked ? [...(connection.state === 'disconnected' ? [reconnect] : []), logOut] : [link];
  return create(
    'li',
    {},
    create(
      'div',
      { className: 'device-head' },
      create('h3', {}, deviceId),
      create('span', { className: `badge ${look}` }, words),
    ),
    create('p', { className: 'device-facts' }, toFacts(device)),
    create('div', { className: 'buttons' }, ...choices, remove),
  );
}

function toFacts({ jid, connection }) {
  const number = jid === undefined ? undefined : `+${jid.replace(/[:@].*$/, '')}`;
  const since = connection.since ? `since ${new Date(connection.since).toLocaleString()}` : undefined;
  return [number, since, connection.state === 'connected' ? undefined : connection.reason]
    .filter((fact) => fact !== undefined)
    .join(' · ');
}
