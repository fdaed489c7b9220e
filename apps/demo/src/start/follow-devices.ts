import type { Lifetime } from '@postern/runtime';

interface Device {
  device_id: string;
  connection: { state: string; reason?: string };
}

const INTERVAL_MS = 3_000;

/** Says, whenever it changes, which devices are connected and why others are not. */
export function followDevices(lifetime: Lifetime, gatewayUrl: string, say: (text: string) => void): void {
  const known = new Map<string, string>();
  let running = true;
  const look = async () => {
    const devices = await readDevices(gatewayUrl).catch(() => undefined);
    if (!running || !devices) return;
    for (const { device_id: deviceId, connection } of devices) {
      const reason = connection.reason === undefined ? '' : `: ${connection.reason}`;
      const text =
        connection.state === 'connected' ? 'is connected' : `is not connected (${connection.state}${reason})`;
      if (known.get(deviceId) !== text) say(`Device ${deviceId} ${text}`);
      known.set(deviceId, text);
    }
  };
  const timer = setInterval(() => void look(), INTERVAL_MS);
  lifetime.use(timer, () => {
    running = false;
    clearInterval(timer);
  });
  void look();
}

async function readDevices(gatewayUrl: string): Promise<Device[]> {
  const response = await fetch(`${gatewayUrl}/devices`, { signal: AbortSignal.timeout(INTERVAL_MS) });
  const { results } = (await response.json()) as { results: { devices?: Device[] } | Device[] };
  return Array.isArray(results) ? results : (results.devices ?? []);
}
