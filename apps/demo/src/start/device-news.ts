/** What a line of the worker's log means for people who wait for a device; undefined when it is about something else. */
export function toDeviceNews(line: string): string | undefined {
  if (!line.includes('"connection changed"')) return undefined;
  try {
    const { device_id: device, to, reason } = JSON.parse(line) as Record<string, unknown>;
    if (typeof device !== 'string' || typeof to !== 'string') return undefined;
    if (to === 'connected') return `Device ${device} is connected`;
    return `Device ${device} is not connected (${to}${typeof reason === 'string' ? `: ${reason}` : ''})`;
  } catch {
    return undefined;
  }
}
