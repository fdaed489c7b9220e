import { createAction } from './actions.js';
import { call, devicePath } from './api.js';
import { confirm } from './confirm-dialog.js';
import { announce, create, setText } from './element.js';
import { createMaskedNumber } from './masked-number.js';
import { createBadge, createFact } from './rows.js';
import { createTime, setTime } from './times.js';
import { toast } from './toasts.js';

const STATES = {
  unpaired: ['Not linked', 'calm'],
  pairing: ['Waiting for the scan', 'busy'],
  connecting: ['Connecting', 'busy'],
  connected: ['Connected', 'good'],
  disconnected: ['Disconnected', 'bad'],
  logged_out: ['Logged out', 'bad'],
};

/** The words for a device's state, and how they look. */
function toStateWords({ connection }) {
  const [words, look] = STATES[connection.state] ?? [connection.state, 'calm'];
  return { words, look };
}

/** Whether the device has an account that it may send through. */
export function isLinked({ jid, connection }) {
  return jid !== undefined && connection.state !== 'logged_out';
}

/** One device as a list item. `onLink(device)` opens the linking dialog. */
export function createDeviceRow({ device_id: deviceId }, { store, onLink }) {
  const badge = createBadge();
  const number = createMaskedNumber({
    subject: deviceId,
    read: async () => (await call('GET', devicePath(deviceId))).jid ?? '',
  });
  const facts = {
    number: createFact('Account', number.element),
    owner: createFact('Worker'),
    since: createFact('For', createTime()),
    ack: createFact('Last ack', createTime(' ago')),
  };
  const reason = create('p', { className: 'reason' });
  const actions = createActions(deviceId, { store, onLink });
  const element = create(
    'li',
    {},
    create('div', { className: 'row-head' }, create('h3', {}, deviceId), badge.element),
    create('dl', { className: 'facts' }, ...Object.values(facts).map((fact) => fact.element)),
    reason,
    create('div', { className: 'buttons' }, ...Object.values(actions)),
  );
  let last = '';
  return {
    element,
    update(device) {
      const { words, look } = toStateWords(device);
      if (last !== '' && last !== words) announce(`${deviceId}: ${words}`);
      last = words;
      badge.set(words, look);
      const { owner, since, last_ack_at: lastAck, reason: why, state } = device.connection;
      number.set(device.jid);
      setText(facts.owner.value, owner ?? 'none');
      setTime(facts.since.value, since, store.now());
      setTime(facts.ack.value, lastAck, store.now());
      setText(reason, state === 'connected' ? '' : (why ?? ''));
      const linked = isLinked(device);
      const manages = store.may('manage');
      actions.link.hidden = linked || !manages;
      actions.reconnect.hidden = actions.logOut.hidden = !linked || !manages;
      actions.remove.hidden = !manages;
    },
  };
}

function createActions(deviceId, { store, onLink }) {
  const isConnected = () => store.devices.get(deviceId)?.connection.state === 'connected';
  const asked = (question, run) => async () => {
    if (await confirm(question())) await run();
  };
  const act = (label, className, run) => createAction({ label, subject: deviceId, className, run });
  const reconnect = async () => {
    await call('POST', devicePath(deviceId, '/reconnect'));
    toast(`${deviceId} is reconnecting`);
  };
  const askReconnect = asked(
    () => ({
      title: `Reconnect ${deviceId}?`,
      text: 'It is connected. Its connection is closed and opened again; messages in hand wait for it.',
      action: 'Reconnect',
    }),
    reconnect,
  );
  return {
    link: act('Link', 'primary', async () => onLink(deviceId)),
    reconnect: act('Reconnect', '', () => (isConnected() ? askReconnect() : reconnect())),
    logOut: act(
      'Log out',
      '',
      asked(
        () => ({
          title: `Log out ${deviceId}?`,
          text: `The phone forgets this device, and ${toWaiting(store, deviceId)} unless its lane is paused. It can be linked again at any time.`,
          action: 'Log out',
        }),
        async () => {
          await call('POST', devicePath(deviceId, '/logout'));
          toast(`${deviceId} is logged out`);
        },
      ),
    ),
    remove: act(
      'Delete',
      'danger',
      asked(
        () => ({
          title: `Delete ${deviceId}?`,
          text: `Its link to WhatsApp is removed, and ${toWaiting(store, deviceId)}. This cannot be undone.`,
          action: 'Delete',
        }),
        async () => {
          await call('DELETE', devicePath(deviceId));
          toast(`${deviceId} was deleted`);
        },
      ),
    ),
  };
}

function toWaiting({ lanes }, deviceId) {
  const { waiting = 0, active = 0 } = lanes.get(deviceId)?.depth ?? {};
  const count = waiting + active;
  if (count === 0) return 'messages that come in meanwhile fail';
  return count === 1 ? 'the one message that waits for it fails' : `the ${count} messages that wait for it fail`;
}
