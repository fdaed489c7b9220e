import { createAction } from './actions.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { create, setText } from './element.js';
import { createMaskedNumber } from './masked-number.js';
import { createBadge, createFact } from './rows.js';
import { createTime, setTime } from './times.js';
import { toast } from './toasts.js';

const STATES = {
  queued: ['Queued', 'busy'],
  sending: ['Sending', 'busy'],
  sent: ['Sent', 'good'],
  delivered: ['Delivered', 'good'],
  read: ['Read', 'good'],
  failed: ['Failed', 'bad'],
  cancelled: ['Cancelled', 'calm'],
};

/** One message as a list item. `onChanged(message)` is told what an action has made of it. */
export function createMessageRow({ message_id: messageId }, { store, onChanged }) {
  const badge = createBadge();
  const short = `…${messageId.slice(-6)}`;
  const path = `messages/${messageId}`;
  const number = createMaskedNumber({ subject: `message ${short}`, read: async () => (await call('GET', path)).phone });
  const facts = {
    device: createFact('From'),
    number: createFact('To', number.element),
    accepted: createFact('Accepted', createTime(' ago')),
    attempts: createFact('Attempts'),
  };
  const [reason, code] = [create('span'), create('code')];
  const failure = create('p', { className: 'reason' }, reason, ' ', code);
  const cancel = createAction({
    label: 'Cancel',
    subject: `message ${short}`,
    className: 'danger',
    async run() {
      const text = 'It has not been sent yet, and will not be. This cannot be undone.';
      const question = { title: `Cancel message ${short}?`, text, action: 'Cancel it', dismiss: 'Keep it' };
      if (!(await confirm(question))) return;
      const { state } = await call('DELETE', path);
      onChanged({ message_id: messageId, state });
      toast(`Message ${short} is cancelled`);
    },
  });
  const retry = createAction({
    label: 'Retry',
    subject: `message ${short}`,
    async run() {
      const { message_id: again } = await call('POST', `${path}/retry`, undefined, { Prefer: 'respond-async' });
      toast(`Queued again as …${again.slice(-6)}`);
    },
  });
  const id = create('code', { className: 'id', title: messageId }, messageId);
  const element = create(
    'li',
    {},
    create('div', { className: 'row-head' }, create('h3', {}, id), badge.element),
    create('dl', { className: 'facts' }, ...Object.values(facts).map((fact) => fact.element)),
    failure,
    create('div', { className: 'buttons' }, cancel, retry),
  );
  return {
    element,
    update(message) {
      const [words, look] = STATES[message.state] ?? [message.state, 'calm'];
      badge.set(words, look);
      setText(facts.device.value, message.device_id);
      number.set(message.phone);
      setTime(facts.accepted.value, message.created_at, store.now());
      setText(facts.attempts.value, String(message.attempts));
      failure.hidden = message.error === undefined;
      setText(reason, message.error?.message ?? '');
      setText(code, message.error?.code ?? '');
      cancel.hidden = message.state !== 'queued' || !store.may('send');
      const isKept = message.retry_until !== undefined && Date.parse(message.retry_until) > store.now();
      retry.hidden = message.state !== 'failed' || !isKept || !store.may('send');
    },
  };
}
