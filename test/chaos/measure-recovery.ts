import type { RelayedMessage, SocketEvent } from '@postern/simulator';
import type { Sending } from './sending.ts';
import type { LetGo, Outage, Witness } from './witness.ts';

export interface Spread {
  count: number;
  p50: number;
  max: number;
}

/**
 * From a worker's end until each of its devices was connected elsewhere and WhatsApp had taken its next message, in
 * milliseconds: without the time in which Redis was away, and without the time in which nobody wrote through a device that
 * was connected again. A device whose next worker ended too counts from there; one that sent nothing any more does not
 * count.
 */
export function measureRecovery(
  how: LetGo['how'],
  witness: Witness,
  jids: ReadonlyMap<string, string>,
  sendings: readonly Sending[],
): Spread {
  const startedAt = new Map(sendings.flatMap((sending) => sending.ids.map((id) => [id, sending.startedAt] as const)));
  const times: number[] = [];
  for (const [index, letGo] of witness.letGo.entries()) {
    if (letGo.how !== how) continue;
    for (const device of letGo.devices) {
      const again = witness.letGo.slice(index + 1).find(({ devices }) => devices.includes(device));
      const time = recoveryOf(jids.get(device) ?? '', letGo.at, again?.at, witness, startedAt);
      if (time !== undefined) times.push(time);
    }
  }
  return toSpread(times);
}

function recoveryOf(
  device: string,
  from: number,
  before: number | undefined,
  witness: Pick<Witness, 'sockets' | 'stanzas' | 'outages'>,
  startedAt: ReadonlyMap<string, number>,
): number | undefined {
  const within = ({ at }: { at: number }) => at >= from && (before === undefined || at < before);
  const opened = witness.sockets.find(
    (event: SocketEvent) => event.type === 'opened' && event.device === device && within(event),
  );
  if (!opened) return undefined;
  const acked = witness.stanzas.find(
    (stanza: RelayedMessage) =>
      stanza.device === device && stanza.outcome === 'acked' && within(stanza) && stanza.at >= opened.at,
  );
  if (!acked) return undefined;
  const idle = Math.max(0, (startedAt.get(acked.id) ?? 0) - opened.at);
  return acked.at - from - idle - overlapWith(witness.outages, from, acked.at);
}

function overlapWith(outages: readonly Outage[], from: number, to: number): number {
  return outages.reduce((sum, outage) => sum + Math.max(0, Math.min(to, outage.to) - Math.max(from, outage.from)), 0);
}

function toSpread(times: number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const p50 = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return { count: sorted.length, p50: Math.round(p50), max: Math.round(sorted.at(-1) ?? 0) };
}
