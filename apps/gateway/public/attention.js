import { isLinked } from './device-row.js';
import { toMessages } from './numbers.js';
import { toAge } from './times.js';

/** A message that waits for longer, although its device is connected, is late. */
const LATE_MS = 5 * 60_000;

/** What an operator should look at, the worst first: words, how bad, and the view and filter that show it. */
export function toProblems({ devices, lanes, now }) {
  const problems = [];
  for (const device of devices.values()) {
    const lane = lanes.get(device.device_id);
    problems.push(...toDeviceProblems(device, lane, now), ...(lane ? toLaneProblems(device, lane, now) : []));
  }
  return problems.toSorted((a, b) => Number(b.look === 'bad') - Number(a.look === 'bad'));
}

function toDeviceProblems(device, lane, now) {
  const { device_id: id, connection, jid } = device;
  const count = lane ? lane.depth.waiting + lane.depth.active : 0;
  const waits = count === 0 ? '' : `; ${toMessages(count)} ${count === 1 ? 'waits' : 'wait'}`;
  const problem = (text, look) => [{ text, look, view: 'devices', filter: { text: id } }];
  if (connection.state === 'logged_out') return problem(`${id} is logged out; link it again${waits}`, 'bad');
  if (connection.state === 'disconnected' && isLinked(device)) {
    const since = toAge(now - Date.parse(connection.since));
    const why = connection.reason === undefined ? '' : ` (${connection.reason})`;
    return problem(`${id} is disconnected for ${since}${why}${waits}`, 'bad');
  }
  if (jid === undefined && count > 0) return problem(`${id} is not linked${waits}`, 'bad');
  return [];
}

function toLaneProblems({ device_id: id, connection }, lane, now) {
  const { depth, owner, paused, oldest_at: oldestAt } = lane;
  const count = depth.waiting + depth.active;
  const problem = (text, look) => [{ text, look, view: 'lanes', filter: { text: id } }];
  if (count === 0) return [];
  if (owner === undefined) return problem(`No worker works the lane of ${id}; ${toMessages(count)} in it`, 'bad');
  if (paused) return problem(`The lane of ${id} is paused; ${toMessages(count)} in it`, 'warn');
  const ageMs = now - Date.parse(oldestAt);
  if (connection.state !== 'connected' || !(ageMs > LATE_MS)) return [];
  return problem(`${id} is late: its oldest message waits for ${toAge(ageMs)}`, 'warn');
}
