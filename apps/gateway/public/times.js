import { create, setText } from './element.js';

const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The time of day, with seconds. */
export function toClock(date) {
  return clock.format(date);
}

/** How long ago, in words as short as they can be: `42 s`, `5 min`, `3 h 10 min`, `4 days`. */
export function toAge(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** An element that shows how long ago something was, and when exactly to whoever points at it; `tickTimes` keeps it so. */
export function createTime(suffix = '') {
  const element = create('time');
  element.dataset.suffix = suffix;
  return element;
}

function setAge(element, ms) {
  setText(element, toAge(ms) + element.dataset.suffix);
}

/** Sets what it is about: an ISO 8601 time, or nothing. */
export function setTime(element, iso, now) {
  element.dateTime = iso ?? '';
  element.title = iso === undefined ? '' : whole.format(new Date(iso));
  if (iso === undefined) setText(element, '–');
  else setAge(element, now - Date.parse(iso));
}

/** Keeps every such element true, once a second. */
export function tickTimes(now) {
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll('time[datetime]')) {
      if (element.dateTime !== '') setAge(element, now() - Date.parse(element.dateTime));
    }
  }, 1000);
}
