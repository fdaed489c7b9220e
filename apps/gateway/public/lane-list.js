import { byId } from './element.js';
import { createFilter, showMatching } from './filters.js';
import { createLaneRow } from './lane-row.js';
import { compareText } from './order.js';
import { Rows } from './rows.js';

const count = ({ depth }) => depth.waiting + depth.active;
const MATCHES = {
  busy: (lane) => count(lane) > 0,
  paused: ({ paused }) => paused,
  failed: (lane) => lane.last_error !== undefined,
  unowned: ({ owner }) => owner === undefined,
};

/** The lanes: those in which most waits first, and the others by name. */
export function createLaneList({ store }) {
  const section = byId('lanes');
  const rows = new Rows(byId('lane-list'), {
    idOf: (lane) => lane.device_id,
    createRow: (lane) => createLaneRow(lane, { store }),
  });
  let order = [];
  const show = () => {
    // While somebody's focus is in the list, nothing changes places under it.
    if (!section.contains(document.activeElement) || order.length !== store.lanes.size) order = toOrder(store.lanes);
    const lanes = order.map((id) => store.lanes.get(id)).filter((lane) => lane !== undefined);
    section.querySelector('[data-empty]').hidden = lanes.length > 0;
    showMatching(section, lanes, rows, (lane) => filter.matches(lane.device_id, lane));
  };
  const filter = createFilter(section, { states: MATCHES, onChange: show });
  return { show, filter };
}

function toOrder(lanes) {
  const byDepth = (a, b) => Number(b.paused) - Number(a.paused) || count(b) - count(a);
  return [...lanes.values()]
    .toSorted((a, b) => byDepth(a, b) || compareText(a.device_id, b.device_id))
    .map((lane) => lane.device_id);
}
