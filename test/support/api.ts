import { type Answer, toAnswer } from './send-image.ts';
import { waitUntil } from './wait-until.ts';

/** Any request of the API that sends no image. `body` goes as JSON. */
export async function request(
  url: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: Record<string, unknown>,
): Promise<Answer> {
  const json = body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  return toAnswer(await fetch(`${url}${path}`, { method, ...json }));
}

/** What `GET /devices/{id}/status` says of the connection. */
export async function readConnection(url: string, deviceId: string): Promise<{ state: string; reason?: string }> {
  const { results } = await request(url, 'GET', `/devices/${deviceId}/status`);
  return results['connection'] as { state: string; reason?: string };
}

export function untilConnection(url: string, deviceId: string, state: string, timeoutMs?: number) {
  return waitUntil(
    `${deviceId} is ${state}`,
    async () => {
      const connection = await readConnection(url, deviceId);
      return connection.state === state && connection;
    },
    timeoutMs,
  );
}
