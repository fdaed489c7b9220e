import { call } from './api.js';
import { createDeviceRow } from './device-row.js';
import { byId, whileBusy } from './element.js';
import { createFilter, showMatching } from './filters.js';
import { compareText } from './order.js';
import { Rows } from './rows.js';
import { toastError } from './toasts.js';

const MATCHES = {
  connected: ({ connection }) => connection.state === 'connected',
  offline: ({ jid, connection }) => jid !== undefined && connection.state !== 'connected',
  unpaired: ({ jid }) => jid === undefined,
};

/** The devices, and the form that adds one and links it at once. */
export function createDeviceList({ store, onLink }) {
  const section = byId('devices');
  const rows = new Rows(byId('device-list'), {
    idOf: (device) => device.device_id,
    createRow: (device) => createDeviceRow(device, { store, onLink }),
  });
  const show = () => {
    const devices = [...store.devices.values()].toSorted((a, b) => compareText(a.device_id, b.device_id));
    byId('no-devices').hidden = devices.length > 0;
    showMatching(section, devices, rows, (device) => filter.matches(device.device_id, device));
  };
  const filter = createFilter(section, { states: MATCHES, onChange: show });

  const form = byId('add-device');
  const add = async () => {
    const { device_id: deviceId } = Object.fromEntries(new FormData(form));
    const device = await call('POST', 'devices', deviceId ? { device_id: deviceId } : {});
    form.reset();
    onLink(device.device_id);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    whileBusy(form.querySelector('button'), add).catch(toastError);
  });
  return { show, filter };
}
