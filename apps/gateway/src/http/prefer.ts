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
  for (const item of (header ?? '').split(',')) {
    const [, name = '', quoted, bare] =
      /^\s*([^\s=;"]+)\s*(?:=\s*(?:"([^"]*)"|([^\s;"]*)))?\s*(?:;.*)?$/.exec(item) ?? [];
    const preference = name.toLowerCase();
    if (seen.has(preference)) continue;
    seen.add(preference);
    if (preference === 'respond-async') preferences.respondAsync = true;
    if (preference === 'wait') {
      const text = quoted ?? bare ?? '';
      const seconds = Number(text);
      if (/^\d+$/.test(text) && seconds <= MAX_WAIT_SECONDS) preferences.waitMs = seconds * 1000;
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
