import { readDepths } from '@postern/queue';
import { createKeys } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { World } from './world.ts';

const LOOK_MS = 250;
/** A device that nobody writes to does not recover in this sense. */
const GIVE_UP_MS = 60_000;
/** More than this waits only while a backlog is worked off. */
const WAITING = 2;
const keys = createKeys('postern');

/**
 * Resolves when WhatsApp has taken a message of every device since its worker was killed or told to stop, and what had
 * gathered meanwhile has been sent.
 */
export async function awaitRecovered(
  { stack, devices, witness, jids }: Pick<World, 'stack' | 'devices' | 'witness' | 'jids'>,
  onProgress: (line: string) => void,
): Promise<void> {
  const letGoAt = new Map<string, number>();
  for (const { devices: owned, at } of witness.letGo) for (const id of owned) letGoAt.set(jids.get(id) ?? '', at);
  const deadline = Date.now() + GIVE_UP_MS;
  for (;;) {
    const ackedAt = new Map<string, number>();
    for (const { device, outcome, at } of witness.stanzas) if (outcome === 'acked') ackedAt.set(device, at);
    const missing = [...letGoAt].filter(([jid, at]) => (ackedAt.get(jid) ?? 0) < at);
    const waiting = (await readDepths(stack.redis, keys, devices)).reduce((sum, depth) => sum + depth, 0);
    if (missing.length === 0 && waiting <= WAITING) return;
    if (Date.now() > deadline)
      return onProgress(`not recovered: ${missing.map(([jid]) => jid).join()}; ${waiting} wait`);
    await delay(LOOK_MS);
  }
}
