const MAX_WAIT_SECONDS = 120;

/** The preferences that we know (RFC 7240). */
export interface Preferences {
  respondAsync: boolean;
  waitMs?: number;
}

/**
 * Parses the `Prefer` header. Unknown preferences and values that are not a whole number of 0 to 120 seconds are
 * ignored, and of a repeated preference the first counts, as RFC 7240, 2 says.
 */
export function parsePrefer(header: string | undefined): Preferences {
  const preferences: Preferences = { respondAsync: false };
  const seen = new Set<string>();
  // Split, not matched: a pattern with optional spaces around each part would try every division of many spaces.
  for (const item of (header ?? '').split(',')) {
    const [preference = '', ...rest] = (item.split(';', 1)[0] ?? '').split('=');
    const name = preference.trim().toLowerCase();
    if (seen.has(name)) continue;
    seen.add(name);
    if (name === 'respond-async') preferences.respondAsync = true;
    if (name === 'wait') {
      const [, quoted, bare] = /^(?:"(\d+)"|(\d+))$/.exec(rest.join('=').trim()) ?? [];
      const seconds = Number(quoted ?? bare ?? Number.NaN);
      if (seconds <= MAX_WAIT_SECONDS) preferences.waitMs = seconds * 1000;
    }
  }
  return preferences;
}

/** The `Preference-Applied` header; undefined when no preference was honoured. */
export function toPreferenceApplied({ respondAsync, waitMs }: Preferences): string | undefined {
  const applied = [
    ...(respondAsync ? ['respond-async'] : []),
    ...(waitMs === undefined ? [] : [`wait=${waitMs / 1000}`]),
  ];
  return applied.length === 0 ? undefined : applied.join(', ');
}
