/**
 * Makes a request and parses its JSON answer; an empty one is undefined. Rejects with the answer's own words when the
 * status is not 2xx, and when nothing came within `boundMs`.
 */
export async function requestJson<T>(url: string, init: RequestInit = {}, boundMs = 15_000): Promise<T> {
  const bounds = [AbortSignal.timeout(boundMs), ...(init.signal ? [init.signal] : [])];
  const response = await fetch(url, { ...init, signal: AbortSignal.any(bounds) });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${init.method ?? 'GET'} ${new URL(url).pathname} was answered ${response.status}: ${text}`);
  }
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** The parts of a JSON request body. */
export function json(body: object): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}
