import { Failure, isSent, isSettled, type MessageNote, type MessageRecord, type SendImageJob } from '@postern/contract';
import type { PreparedImage } from '@postern/media';
import type { LendSlot } from '@postern/queue';
import type { Messages } from '@postern/registry';
import { backoffMs, type Clock, delay, type Logger, monotonicMs } from '@postern/runtime';
import type { Session, UploadedImage } from '../whatsapp/whatsapp.ts';
import type { Turn } from './chat-order.ts';
import { expired, neverAcknowledged } from './expired.ts';
import { relayAndAck, type Stage } from './stages.ts';
import type { UploadCache } from './upload-cache.ts';

/** A message in hand. */
export interface MessageInHand {
  job: SendImageJob;
  /** As it was when the job was taken; absent when there is none. */
  record: MessageRecord | undefined;
  turn: Turn;
  /** When it was taken, in Unix milliseconds by Redis' clock. */
  takenAt: number;
}

export interface SendOptions {
  messages: Pick<Messages, 'beginAttempt' | 'countAttempt'>;
  leaseToken: string;
  /** The connected session, or a failure; see DeviceLink.session. */
  session: (signal: AbortSignal) => Promise<Session>;
  prepare: (job: SendImageJob, signal: AbortSignal) => Promise<PreparedImage>;
  uploads: UploadCache;
  /** Asked right before the relay: waits for the device's pace, while its session lasts, or refuses; see RelayGate. */
  gate: (job: SendImageJob, signal: AbortSignal) => Promise<void>;
  /** Lets another message of the lane go on while this one waits for an image. */
  lendSlot: LendSlot;
  /** Times one stage of one message. */
  stage: Stage;
  /** Told the code of each attempt that failed. */
  onFailedAttempt?: (code: string) => void;
  /** Attempts in all, counted across crashes. */
  maxAttempts: number;
  /** Stands still while Redis is away. An attempt that fails with it does not count. */
  clock: Clock;
  /** From taking the message in hand to giving up, in milliseconds of that clock. */
  budgetMs: number;
  backoffBaseMs: number;
  backoffMaxMs: number;
  /** Between two looks at a blob store that is away, in milliseconds. */
  storeRetryMs: number;
  /** Aborts when this worker lets go of the device. */
  signal: AbortSignal;
  logger: Logger;
}

/** Why a job was dropped: its message had ended otherwise (cancelled or expired, say), or has no record any more. */
export type DropReason = 'settled' | 'no_record';

/**
 * How one message's time in hand ended. `proved`: it counts as sent already, by a receipt or an ack that came late.
 * `dropped`: nothing is to be sent. `released`: the next owner goes on with it.
 */
export type SendOutcome =
  | {
      type: 'sent';
      acknowledgedAt: number;
      sha256Sent: string;
      sha256Uploaded: string;
      attempts: number;
      notes: readonly MessageNote[];
    }
  | { type: 'proved'; attempts: number }
  | { type: 'failed'; failure: Failure; attempts: number }
  | { type: 'dropped'; reason: DropReason }
  | { type: 'released' };

/**
 * Sends one message and waits for WhatsApp's ack, with as many attempts as the failures allow; every attempt uses the
 * message's one id. A message found `sending` was relayed by an owner that died: it is sent again under that id, receipt or
 * not, because that owner may not have stored the keys it used, and the phone would drop the next message under them; but
 * not after its deadline.
 */
export async function sendMessage(
  { job, record, turn, takenAt }: MessageInHand,
  options: SendOptions,
): Promise<SendOutcome> {
  const { messages, maxAttempts, budgetMs, signal, clock } = options;
  if (record && isSent(record.state)) return { type: 'proved', attempts: record.attempts };
  if (!record) return { type: 'dropped', reason: 'no_record' };
  if (isSettled(record.state)) return { type: 'dropped', reason: 'settled' };
  const takenAtMs = monotonicMs();
  const isExpired = () => takenAt + monotonicMs() - takenAtMs > job.expires_at;
  const toExpired = (attempts: number): SendOutcome => {
    return { type: 'failed', failure: record.state === 'sending' ? neverAcknowledged() : expired(), attempts };
  };
  if (isExpired()) return toExpired(record.attempts);
  let deadline = clock() + budgetMs;
  const stoodMs = () => Math.round(monotonicMs() - clock());
  const attempt = new Attempt(job, turn, options, record.state === 'sending');
  for (let attempts = record.attempts + 1; ; ) {
    const stoodBefore = stoodMs();
    try {
      const sent = await attempt.run();
      if (sent === 'proved') return { type: 'proved', attempts: attempts - 1 };
      return typeof sent === 'string' ? { type: 'dropped', reason: sent } : { type: 'sent', ...sent, attempts };
    } catch (thrown) {
      if (signal.aborted) return { type: 'released' };
      const failure = Failure.from(thrown);
      // It has lost nothing, and nothing was tried: the message waits for it, as in its lane, until its ttl is over.
      const isStoreAway = failure.code === 'STORAGE_UNAVAILABLE';
      if (isStoreAway && isExpired()) return toExpired(attempts - 1);
      if (isStoreAway) deadline = clock() + budgetMs;
      const backoff = backoffMs(attempts, options.backoffBaseMs, options.backoffMaxMs);
      const askedMs = isStoreAway ? options.storeRetryMs : (failure.retryAfterSeconds ?? 0) * 1000;
      const wait = Math.max(backoff, askedMs);
      const isDisturbed = isStoreAway || stoodMs() > stoodBefore;
      const isUsedUp = attempts >= Math.min(maxAttempts, failure.maxAttempts ?? Infinity) || clock() + wait > deadline;
      const last = !failure.retryable || (isUsedUp && !isDisturbed);
      const level = last || isStoreAway ? 'debug' : 'warn';
      options.logger[level]({ err: failure, code: failure.code, attempts }, 'attempt failed');
      // A device that went away before anything was sent is not the message's failure; its grace bounds that wait.
      const counts = !isDisturbed && (failure.code !== 'DEVICE_NOT_CONNECTED' || attempt.wasCounted);
      options.onFailedAttempt?.(failure.code);
      if (counts && !attempt.wasCounted) await messages.countAttempt(job.device_id, job.message_id);
      if (last) return { type: 'failed', failure: attempt.verdict(failure), attempts };
      if (counts) attempts += 1;
      const pause = () => delay(wait, signal).catch(() => {});
      await (isStoreAway || failure.code === 'IMAGE_DOWNLOAD_FAILED' ? options.lendSlot(pause) : pause());
    }
  }
}

/** What one message keeps from attempt to attempt: the prepared image, its upload, and whether it may have arrived. */
class Attempt {
  readonly #job: SendImageJob;
  readonly #turn: Turn;
  readonly #options: SendOptions;
  #prepared: PreparedImage | undefined;
  #uploaded: { uploaded: UploadedImage; reused: boolean } | undefined;
  #maybeDelivered: boolean;
  #relayed = false;
  #counted = false;

  constructor(job: SendImageJob, turn: Turn, options: SendOptions, maybeDelivered: boolean) {
    this.#job = job;
    this.#turn = turn;
    this.#options = options;
    this.#maybeDelivered = maybeDelivered;
  }

  /** Whether the last run reached the ledger, which counts by itself. */
  get wasCounted(): boolean {
    return this.#counted;
  }

  async run() {
    const { messages, leaseToken, signal, stage } = this.#options;
    const { device_id, message_id, recipient } = this.#job;
    this.#counted = false;
    this.#prepared ??= await this.#options.prepare(this.#job, signal);
    const prepared = this.#prepared;
    const session = await this.#options.session(signal);
    const route = await stage('lookup', () => session.lookUp(recipient));
    this.#uploaded ??= await stage('upload', () => this.#upload(session, prepared));
    const image = this.#uploaded.uploaded;
    await this.#turn.ready(session, signal);
    const lasting = AbortSignal.any([signal, session.signal]);
    if (!this.#maybeDelivered) await this.#options.gate(this.#job, lasting);
    session.signal.throwIfAborted();

    const begun = await messages.beginAttempt(device_id, message_id, leaseToken, {
      notes: prepared.notes,
      unlessProved: this.#relayed,
    });
    if (begun === 'lease_lost') throw new Failure('DEVICE_NOT_CONNECTED', 'Another worker owns the device now');
    if (begun === 'missing') return 'no_record' as const;
    if (begun === 'proved' || (begun !== 'begun' && isSent(begun))) return 'proved' as const;
    if (begun !== 'begun') return 'settled' as const;
    this.#counted = true;
    const relayed = () => {
      this.#maybeDelivered = true;
      this.#relayed = true;
      this.#turn.relayed(session);
    };
    const send = (onWritten: () => void) =>
      session.send(this.#toOutgoing(route, image), () => {
        relayed();
        onWritten();
      });
    const { acknowledgedAt } = await relayAndAck(stage, send).catch((error: unknown) => this.#doubtUpload(error));
    return {
      acknowledgedAt,
      sha256Sent: prepared.sha256,
      sha256Uploaded: image.sha256Uploaded,
      notes: prepared.notes,
    };
  }

  /** The failure to tell: once a stanza went out and nothing was refused, whether it arrived is unknown. */
  verdict(failure: Failure): Failure {
    const refused = typeof failure.details['reason'] === 'number';
    if (!this.#maybeDelivered || refused || failure.code === 'ACK_TIMEOUT') return failure;
    return new Failure('ACK_TIMEOUT', `Sent, but never acknowledged; the last attempt ended with: ${failure.message}`, {
      cause: failure,
      details: failure.details,
      retryable: false,
    });
  }

  #upload(session: Session, prepared: PreparedImage) {
    const { uploads, signal } = this.#options;
    const { device_id, view_once } = this.#job;
    const image = { ...prepared, thumbnail: view_once ? undefined : prepared.thumbnail };
    const upload = () => session.upload(image);
    return uploads.upload({ deviceId: device_id, image, viewOnce: view_once, signal, upload });
  }

  /** A refusal may mean that the media is gone: whoever comes next uploads anew, and so does this message. */
  #doubtUpload(error: unknown): never {
    const failure = Failure.from(error);
    if (this.#uploaded && failure.code === 'SEND_FAILED' && failure.details['reason'] !== undefined) {
      this.#options.uploads.forget(this.#job.device_id, this.#uploaded.uploaded.sha256Uploaded);
      if (this.#uploaded.reused) this.#uploaded = undefined;
    }
    throw error;
  }

  #toOutgoing(route: Awaited<ReturnType<Session['lookUp']>>, image: UploadedImage) {
    const job = this.#job;
    return {
      messageId: job.message_id,
      route,
      image,
      caption: job.caption,
      viewOnce: job.view_once,
      forwarded: job.is_forwarded,
      ephemeralSeconds: job.duration ?? route.ephemeralSeconds ?? 0,
      mentions: job.mentions,
      quotedMessageId: job.reply_message_id,
    };
  }
}
