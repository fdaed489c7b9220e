/** Unix milliseconds from a stanza's `t` (whole seconds); now when it is missing or no time. */
export function stanzaTimeMs(t: string | undefined, now = Date.now()): number {
  return t !== undefined && /^\d{1,12}$/.test(t) ? Number(t) * 1000 : now;
}
