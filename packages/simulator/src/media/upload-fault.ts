import { delay } from '@postern/runtime';
import type { FaultBook } from '../faults/fault-book.ts';
import type { FaultKind, FaultRule } from '../faults/fault-rule.ts';
import { MediaRefusal } from './media-refusal.ts';

const UPLOAD_KINDS = ['upload_refuse', 'upload_reset', 'upload_hang', 'upload_slow'] as const satisfies FaultKind[];

/** The fault that strikes an upload of this device, if any. */
export function takeUploadFault(faults: Pick<FaultBook, 'take'>, device: string): FaultRule | undefined {
  for (const kind of UPLOAD_KINDS) {
    const rule = faults.take(kind, { device });
    if (rule) return rule;
  }
  return undefined;
}

/**
 * Lets an upload fault happen once the body is read: refuses, waits its delay, or never settles before the signal
 * aborts. Rejects with the signal's reason on abort.
 */
export async function commitUploadFault(rule: FaultRule, signal: AbortSignal): Promise<void> {
  if (rule.kind === 'upload_refuse') throw new MediaRefusal(rule.status ?? 503, 'refused by a fault rule');
  if (rule.kind === 'upload_slow') return await delay(rule.delayMs ?? 2_000, signal);
  signal.throwIfAborted();
  await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
