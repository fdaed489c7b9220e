import { toProblems } from './attention.js';
import { byId, create, setText } from './element.js';
import { toCount } from './numbers.js';
import { compareText } from './order.js';
import { Rows } from './rows.js';
import { createTime, setTime } from './times.js';

const MAX_PROBLEMS = 6;
const HOUR_MS = 3_600_000;
/** The gateway tells the failures of the newest hundred messages; a count may be higher. */
const MAX_FAILURES = 100;

/** The figures of the whole, and what needs somebody. `onOpen(view, filter)` shows where. */
export function createOverview({ store, onOpen }) {
  const oldest = createTime();
  byId('figure-oldest').replaceChildren(oldest);
  const rows = new Rows(byId('attention-list'), {
    idOf: ({ view, filter }) => `${view} ${filter.text}`,
    createRow: (problem) => createProblem(problem, onOpen),
  });
  return {
    show() {
      const { devices, lanes, messages } = store;
      const all = [...lanes.values()];
      const sum = (value) => all.reduce((total, lane) => total + value(lane), 0);
      const connected = [...devices.values()].filter(({ connection }) => connection.state === 'connected').length;
      setText(byId('figure-connected'), `${toCount(connected)} of ${toCount(devices.size)}`);
      setText(byId('figure-waiting'), toCount(sum(({ depth }) => depth.waiting)));
      setText(byId('figure-rate'), toCount(sum(({ rate_per_minute: rate }) => rate)));
      const times = all.flatMap(({ oldest_at: at }) => (at === undefined ? [] : [at])).toSorted(compareText);
      setTime(oldest, times[0], store.now());
      const hasFailed = ({ state, created_at: at }) => state === 'failed' && store.now() - Date.parse(at) < HOUR_MS;
      const failed = [...messages.values()].filter(hasFailed).length;
      setText(byId('figure-failed'), failed >= MAX_FAILURES ? `${MAX_FAILURES}+` : toCount(failed));
      byId('figure-failed').parentElement.dataset.look = failed > 0 ? 'bad' : '';

      const problems = toProblems({ devices, lanes, now: store.now() });
      rows.show(problems.slice(0, MAX_PROBLEMS));
      byId('attention').dataset.look = problems[0]?.look ?? 'good';
      setText(byId('attention-title'), toTitle(problems.length));
    },
  };
}

function toTitle(count) {
  if (count === 0) return 'Nothing needs you';
  const more = count > MAX_PROBLEMS ? `; the first ${MAX_PROBLEMS}` : '';
  return count === 1 ? 'One thing needs you' : `${toCount(count)} things need you${more}`;
}

function createProblem({ view, filter }, onOpen) {
  const link = create('a', { href: `#${view}` });
  link.addEventListener('click', () => onOpen(view, filter));
  const element = create('li', {}, link);
  return {
    element,
    update({ text, look }) {
      setText(link, text);
      element.dataset.look = look;
    },
  };
}
