import { isMessageState, JOBS, type MessageRecord, type SendImageJob } from '@postern/contract';
import { toMessageRecord, UnreadableError } from '@postern/registry';
import { toHash } from './to-hash.ts';

/** A job as it is stored: its kind, its payload, and its message's record; `damage` says what could not even be fetched. */
export interface StoredJob {
  kind: string;
  json: string;
  record: string[];
  damage: string;
}

/** A job that can be worked here. */
export interface ReadableJob {
  payload: SendImageJob;
  /** Absent when there is none. */
  record: MessageRecord | undefined;
}

/**
 * Why a job cannot be worked here. `unknown`: its kind or its message's state is of a newer version, whose workers can.
 * `unreadable`: nobody can.
 */
export interface JobProblem {
  reason: 'unknown' | 'unreadable';
  error: Error;
  /** Whether its message may have been sent already. */
  maybeSent: boolean;
}

/** Reads a job and its message's record, or says why they cannot be worked. */
export function readTakenJob({ kind, json, record: flat, damage }: StoredJob): ReadableJob | JobProblem {
  const hash = toHash(flat);
  const { state } = hash;
  const problem = (reason: JobProblem['reason'], error: unknown): JobProblem => ({
    reason,
    error: error instanceof Error ? error : new Error(String(error)),
    maybeSent: state === 'sending',
  });
  try {
    if (damage !== '') throw new UnreadableError('a job or its message’s record', new Error(damage));
    if (kind !== '' && !Object.hasOwn(JOBS, kind))
      return problem('unknown', new Error(`jobs of the kind ${kind} are not known here`));
    if (state !== undefined && state !== '' && !isMessageState(state)) {
      return problem('unknown', new Error(`messages that are ${state} are not known here`));
    }
    return { payload: readPayload(json), record: toMessageRecord(hash) };
  } catch (error) {
    return problem('unreadable', error);
  }
}

/** Throws UnreadableError. */
function readPayload(json: string): SendImageJob {
  try {
    return JOBS['send-image'].parse(JSON.parse(json));
  } catch (error) {
    throw new UnreadableError('the payload of a job', error);
  }
}
