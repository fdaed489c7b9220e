import type { SocketEvent } from '@postern/simulator';
import type { Witness } from './witness.ts';

/** Two sockets of one device that were logged in at once. Times in milliseconds. */
export interface Overlap {
  device: string;
  at: number;
  durationMs: number;
}

/** Those that nobody could have avoided: a frozen worker closes no socket before it goes on and has learned of its loss. */
export function isExcused({ device, at }: Overlap, frozen: Witness['frozen'], leaseTtlMs: number): boolean {
  return frozen.some(({ devices, from, to }) => devices.includes(device) && at >= from && at <= to + leaseTtlMs);
}

/**
 * Every time a device logged in while an earlier socket of it was still open, and for how long: until the earlier one was
 * closed, at least one millisecond. The simulated server closes the earlier one at once (440), so already the count says
 * how often the rule was broken.
 */
export function findDoubleOwned(events: readonly SocketEvent[]): Overlap[] {
  const open = new Map<string, Set<number>>();
  const overlaps: (Overlap & { former: number })[] = [];
  for (const { type, device, socket, at } of events) {
    const sockets = open.get(device) ?? new Set();
    open.set(device, sockets);
    if (type === 'opened') {
      for (const former of sockets) overlaps.push({ device, at, durationMs: Number.NaN, former });
      sockets.add(socket);
      continue;
    }
    sockets.delete(socket);
    for (const overlap of overlaps.filter(({ former }) => former === socket)) {
      overlap.durationMs = Math.max(1, at - overlap.at);
    }
  }
  const end = events.at(-1)?.at ?? 0;
  return overlaps.map(({ device, at, durationMs }) => ({
    device,
    at,
    durationMs: Number.isNaN(durationMs) ? Math.max(1, end - at) : durationMs,
  }));
}
