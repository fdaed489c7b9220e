import { delay } from '@postern/runtime';
import type { World } from './world.ts';

const LOOK_MS = 250;
/** A device that nobody writes to does not recover in this sense. */
const GIVE_UP_MS = 60_000;

/** Resolves when WhatsApp has taken a message of every device since its worker was killed or told to stop. */
export async function awaitRecovered(
  { witness, jids }: Pick<World, 'witness' | 'jids'>,
  onProgress: (line: string) => void,
): Promise<void> {
  const letGoAt = new Map<string, number>();
  for (const { devices, at } of witness.letGo) for (const device of devices) letGoAt.set(jids.get(device) ?? '', at);
  const deadline = Date.now() + GIVE_UP_MS;
  for (;;) {
    const ackedAt = new Map<string, number>();
    for (const { device, outcome, at } of witness.stanzas) if (outcome === 'acked') ackedAt.set(device, at);
    const missing = [...letGoAt].filter(([jid, at]) => (ackedAt.get(jid) ?? 0) < at);
    if (missing.length === 0) return;
    if (Date.now() > deadline)
      return onProgress(`not written through again: ${missing.map(([jid]) => jid).join(', ')}`);
    await delay(LOOK_MS);
  }
}
