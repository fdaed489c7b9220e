import { createAction, relabel } from './actions.js';
import { call, lanePath } from './api.js';
import { confirm } from './confirm-dialog.js';
import { announce, create, setText } from './element.js';
import { toCount, toMessages } from './numbers.js';
import { createBadge, createFact } from './rows.js';
import { createTime, setTime } from './times.js';
import { toast } from './toasts.js';

/** The words for what a lane does now, and how they look. */
function toLaneWords({ paused, owner, depth }, device) {
  const count = depth.waiting + depth.active;
  if (paused) return { words: 'Paused', look: 'warn' };
  if (count === 0) return { words: 'Empty', look: 'calm' };
  if (owner === undefined) return { words: 'No worker', look: 'bad' };
  return device?.connection.state === 'connected'
    ? { words: 'Working', look: 'good' }
    : { words: 'Waits for its device', look: 'warn' };
}

/** One lane as a list item. */
export function createLaneRow({ device_id: deviceId }, { store }) {
  const badge = createBadge();
  const facts = {
    waiting: createFact('Waiting'),
    active: createFact('In hand'),
    oldest: createFact('Oldest', createTime()),
    rate: createFact('Per minute'),
    owner: createFact('Worker'),
  };
  const error = createLastError();
  const actions = createActions(deviceId, store);
  const element = create(
    'li',
    {},
    create('div', { className: 'row-head' }, create('h3', {}, deviceId), badge.element),
    create('dl', { className: 'facts' }, ...Object.values(facts).map((fact) => fact.element)),
    error.element,
    create('div', { className: 'buttons' }, actions.pause, actions.purge),
  );
  let last = '';
  return {
    element,
    update(lane) {
      const { words, look } = toLaneWords(lane, store.devices.get(deviceId));
      if (last !== '' && last !== words && (words === 'Paused' || last === 'Paused')) announce(`${deviceId}: ${words}`);
      last = words;
      badge.set(words, look);
      setText(facts.waiting.value, toCount(lane.depth.waiting));
      setText(facts.active.value, toCount(lane.depth.active));
      setTime(facts.oldest.value, lane.oldest_at, store.now());
      setText(facts.rate.value, toCount(lane.rate_per_minute));
      setText(facts.owner.value, lane.owner ?? 'none');
      error.set(lane.last_error, store.now());
      relabel(actions.pause, lane.paused ? 'Resume' : 'Pause', deviceId);
      actions.pause.classList.toggle('primary', lane.paused);
      const manages = store.may('manage');
      actions.pause.hidden = !manages;
      actions.purge.hidden = !manages || lane.depth.waiting === 0;
    },
  };
}

function createLastError() {
  const [text, code, time] = [create('span'), create('code'), createTime(' ago')];
  const element = create('p', { className: 'reason' }, 'Last failure ', time, ': ', text, ' ', code);
  return {
    element,
    set(error, now) {
      element.hidden = error === undefined;
      if (error === undefined) return;
      setText(text, error.message);
      setText(code, error.code);
      setTime(time, error.at, now);
    },
  };
}

function createActions(deviceId, store) {
  const pause = async () => {
    const isPaused = store.lanes.get(deviceId)?.paused === true;
    const { paused } = await call('POST', lanePath(deviceId, isPaused ? '/resume' : '/pause'));
    // The gateway tells the rest within a second.
    store.tell('lane', { ...store.lanes.get(deviceId), paused });
    toast(isPaused ? `The lane of ${deviceId} goes on` : `The lane of ${deviceId} is paused; what is in hand finishes`);
  };
  const purge = async () => {
    const { depth } = store.lanes.get(deviceId) ?? { depth: { waiting: 0, active: 0 } };
    const inHand = depth.active === 0 ? '' : ` What is in hand (${toCount(depth.active)}) finishes.`;
    const isSure = await confirm({
      title: `Cancel ${toMessages(depth.waiting)} of ${deviceId}?`,
      text: `${depth.waiting === 1 ? 'It waits in the lane and is' : 'They wait in the lane and are'} not sent.${inHand} This cannot be undone.`,
      action: `Cancel ${toMessages(depth.waiting)}`,
      dismiss: depth.waiting === 1 ? 'Keep it' : 'Keep them',
    });
    if (!isSure) return;
    const { cancelled, remaining } = await call('POST', lanePath(deviceId, '/purge'));
    const more = remaining === undefined ? '' : `, ${toCount(remaining)} to go`;
    toast(`${toMessages(cancelled)} of ${deviceId} cancelled${more}`);
  };
  return {
    pause: createAction({ label: 'Pause', subject: deviceId, run: pause }),
    purge: createAction({ label: 'Purge', subject: deviceId, className: 'danger', run: purge }),
  };
}
