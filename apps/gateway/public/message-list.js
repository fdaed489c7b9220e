import { byId, create, whileBusy } from './element.js';
import { createMessageRow } from './message-row.js';
import { OlderMessages } from './older-messages.js';
import { compareText } from './order.js';
import { Rows } from './rows.js';
import { toastError } from './toasts.js';

const PAGE = 50;
const TOLD = 100;
/**
 * How often messages that the events do not follow are asked for again: of one device, and of all, which costs the gateway
 * a look at each device. The newest messages and failures of all are told by the events.
 */
const REFRESH_MS = 5_000;
const REFRESH_ALL_MS = 60_000;

/** Recent messages, newest first, as they change; with a filter, or further back, as the API lists them. */
export function createMessageList({ store }) {
  const section = byId('messages');
  const form = section.querySelector('.filters');
  const { device, state } = form.elements;
  const older = new OlderMessages();
  let readAtMs = 0;
  let limit = PAGE;
  const rows = new Rows(byId('message-list'), {
    idOf: (message) => message.message_id,
    createRow: (message) => createMessageRow(message, { store, onChanged: merge }),
  });

  const show = () => {
    offerDevices(device, [...store.devices.keys()].toSorted(compareText));
    const matches = (message) =>
      (device.value === '' || message.device_id === device.value) &&
      (state.value === '' || message.state === state.value);
    const known = new Map([...older.messages, ...store.messages]);
    const found = [...known.values()].filter(matches).toSorted((a, b) => compareText(b.created_at, a.created_at));
    rows.show(found.slice(0, limit));
    const isFiltered = device.value !== '' || state.value !== '';
    section.querySelector('[data-empty]').hidden = found.length > 0 || isFiltered;
    section.querySelector('[data-none]').hidden = found.length > 0 || !isFiltered;
    // The events tell the newest hundred, or all there are.
    const mayBeOlder = older.hasMore && (isFiltered || store.messages.size >= TOLD);
    byId('older').hidden = found.length <= limit && !mayBeOlder;
  };
  const refresh = async () => {
    const query = { device_id: device.value, state: state.value };
    if (query.device_id === '' && query.state === '') return;
    readAtMs = performance.now();
    await older.read(query);
    show();
  };
  function merge(change) {
    const known = store.messages.get(change.message_id) ?? older.messages.get(change.message_id);
    if (known) store.tell('message', { ...known, ...change });
  }

  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', () => {
    limit = PAGE;
    older.clear();
    show();
    refresh().catch(toastError);
  });
  byId('older').addEventListener('click', ({ currentTarget }) => {
    const readMore = async () => {
      limit += PAGE;
      await older.readMore({ device_id: device.value, state: state.value });
      show();
    };
    whileBusy(currentTarget, readMore).catch(toastError);
  });
  setInterval(() => {
    // What cannot be read now is read the next time; the page says elsewhere that the gateway is away.
    const isDue = device.value !== '' || performance.now() - readAtMs >= REFRESH_ALL_MS;
    if (isDue && !document.hidden && !section.hidden) refresh().catch(() => {});
  }, REFRESH_MS);

  return {
    show,
    filter: {
      set(values) {
        device.value = values.device ?? '';
        state.value = values.state ?? '';
        form.dispatchEvent(new Event('input'));
      },
    },
  };
}

function offerDevices(select, ids) {
  const offered = [...select.options].map((option) => option.value);
  if (offered.length > 0 && offered.slice(1).join('\n') === ids.join('\n')) return;
  const chosen = select.value;
  select.replaceChildren(
    create('option', { value: '' }, 'All'),
    ...ids.map((id) => create('option', { value: id }, id)),
  );
  if (ids.includes(chosen)) select.value = chosen;
}
