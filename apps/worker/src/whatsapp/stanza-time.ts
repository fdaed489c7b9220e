/** Stanzas tell whole seconds; what is less old than this has just happened. */
const JUST_NOW_MS = 2000;

/** Unix milliseconds from a stanza's `t` (seconds); now when it is missing, no time, or but a moment ago. */
export function stanzaTimeMs(t: string | undefined, now = Date.now()): number {
  if (t === undefined || !/^\d{1,12}$/.test(t)) return now;
  const at = Number(t) * 1000;
  return at <= now && now - at < JUST_NOW_MS ? now : at;
}
