import { CONNECTION_STATES, type FailureCode } from '@postern/contract';
import { Counter, createMetricsRegistry, Gauge, Histogram, type Registry } from '@postern/runtime';
import type { StageName } from './lanes/stages.ts';
import type { CloseReason } from './whatsapp/whatsapp.ts';

/** What messages fail with here; other codes are only the gateway's. */
const WORKER_FAILURES = [
  'VALIDATION_ERROR',
  'INVALID_JID',
  'WA_REACHOUT_TIMELOCK',
  'DEVICE_NOT_CONNECTED',
  'IMAGE_DOWNLOAD_FAILED',
  'IMAGE_PROCESSING_FAILED',
  'UPLOAD_MEDIA_ERROR',
  'SEND_FAILED',
  'ACK_TIMEOUT',
  'STORAGE_UNAVAILABLE',
  'EXPIRED',
  'DEVICE_DELETED',
  'INTERNAL_ERROR',
] as const satisfies readonly FailureCode[];

/** What may be found in Redis that cannot be read here; and why jobs are dropped that were not worked. */
const UNREADABLE = ['device', 'message', 'job_kind'] as const;
const DROPPED = ['settled', 'no_record', 'unreadable', 'unknown'] as const;

const LEASE_EVENTS = ['acquired', 'lost', 'released', 'handed_over'] as const;
type LeaseEvent = (typeof LEASE_EVENTS)[number];

export interface WorkerMetrics {
  registry: Registry;
  observeStage(stage: StageName, seconds: number): void;
  countMessage(outcome: 'sent' | 'failed', code: string, attempts: number): void;
  countDisconnect(reason: CloseReason, code: number | undefined): void;
  countUpload(source: 'fresh' | 'reused'): void;
  observeKeyWrite(seconds: number, ok: boolean): void;
  countLease(event: LeaseEvent): void;
  /** An attempt failed; its message may be tried again. */
  countFailedAttempt(code: string): void;
  /** A picture ended the process that prepared it. */
  countQuarantined(): void;
  /** An entry in Redis was left out or left alone because it cannot be read here. */
  countUnreadable(what: (typeof UNREADABLE)[number]): void;
  /** A job was taken out of its lane without being worked. */
  countDropped(reason: (typeof DROPPED)[number]): void;
  countImage(inputBytes: number, outputBytes: number): void;
  /** Redis had lost the record of a message whose job was there. */
  countRebuiltRecord(): void;
}

/** The worker's metrics. `devices` is asked at each scrape: how many owned devices are in each state, and jobs in hand. */
export function createWorkerMetrics(devices: () => { state: string; inHand: number }[]): WorkerMetrics {
  const registry = createMetricsRegistry();
  const registers = [registry];
  const stages = new Histogram({
    name: 'postern_stage_seconds',
    help: 'Time one message spent in one stage, whatever came of it',
    labelNames: ['stage'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const messages = new Counter({
    name: 'postern_messages_total',
    help: 'Messages that settled, by outcome and code',
    labelNames: ['outcome', 'code'],
    registers,
  });
  const attempts = new Counter({
    name: 'postern_message_attempts_total',
    help: 'Attempts that settled messages took, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const disconnects = new Counter({
    name: 'postern_disconnects_total',
    help: 'Sockets that ended, by reason and WhatsApp’s code',
    labelNames: ['reason', 'code'],
    registers,
  });
  const leases = new Counter({
    name: 'postern_leases_total',
    help: 'Device leases acquired, lost, released, and handed over to a worker that was told',
    labelNames: ['event'],
    registers,
  });
  const uploads = new Counter({
    name: 'postern_uploads_total',
    help: 'Messages whose image was uploaded for them (fresh) or sent with an earlier upload (reused)',
    labelNames: ['source'],
    registers,
  });
  const failedAttempts = new Counter({
    name: 'postern_attempts_failed_total',
    help: 'Attempts that failed, by code, also those that a later attempt made good',
    labelNames: ['code'],
    registers,
  });
  const unreadable = new Counter({
    name: 'postern_unreadable_total',
    help: 'Entries in Redis that were left out or left alone because they cannot be read, by what they are',
    labelNames: ['what'],
    registers,
  });
  const dropped = new Counter({
    name: 'postern_jobs_dropped_total',
    help: 'Jobs that were taken out of their lane without being worked, by why',
    labelNames: ['reason'],
    registers,
  });
  const imageBytes = (name: string, help: string) => new Counter({ name, help, registers });
  const inputBytes = imageBytes('postern_image_input_bytes_total', 'Bytes of images before they were prepared');
  const outputBytes = imageBytes('postern_image_output_bytes_total', 'Bytes of images after they were prepared');
  const quarantined = new Counter({
    name: 'postern_pictures_quarantined_total',
    help: 'Pictures that ended the process that prepared them, and that no worker touches for a day',
    registers,
  });
  const rebuiltRecords = new Counter({
    name: 'postern_records_rebuilt_total',
    help: 'Records of messages that Redis had lost, written anew from their jobs',
    registers,
  });
  const keyWrites = new Histogram({
    name: 'postern_key_write_seconds',
    help: 'Time to store credentials or Signal keys in Redis; sends of the device wait for it',
    labelNames: ['outcome'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers,
  });
  new Gauge({
    name: 'postern_devices',
    help: 'Devices this worker owns, by the state of their connection',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of CONNECTION_STATES) this.set({ state }, 0);
      for (const { state } of devices()) this.inc({ state });
    },
  });
  new Gauge({
    name: 'postern_messages_in_hand',
    help: 'Messages being worked on now',
    registers,
    collect() {
      this.set(devices().reduce((sum, device) => sum + device.inHand, 0));
    },
  });
  // From zero, so that the first one is seen as an increase.
  for (const event of LEASE_EVENTS) leases.inc({ event }, 0);
  for (const what of UNREADABLE) unreadable.inc({ what }, 0);
  for (const reason of DROPPED) dropped.inc({ reason }, 0);
  messages.inc({ outcome: 'sent', code: 'SUCCESS' }, 0);
  for (const code of WORKER_FAILURES) {
    messages.inc({ outcome: 'failed', code }, 0);
    failedAttempts.inc({ code }, 0);
  }
  return {
    registry,
    observeStage: (stage, seconds) => stages.observe({ stage }, seconds),
    countMessage(outcome, code, count) {
      messages.inc({ outcome, code });
      attempts.inc({ outcome }, count);
    },
    countDisconnect: (reason, code) => disconnects.inc({ reason, code: code ?? 'none' }),
    countUpload: (source) => uploads.inc({ source }),
    observeKeyWrite: (seconds, ok) => keyWrites.observe({ outcome: ok ? 'stored' : 'failed' }, seconds),
    countLease: (event) => leases.inc({ event }),
    countRebuiltRecord: () => rebuiltRecords.inc(),
    countUnreadable: (what) => unreadable.inc({ what }),
    countDropped: (reason) => dropped.inc({ reason }),
    countFailedAttempt: (code) => failedAttempts.inc({ code }),
    countQuarantined: () => quarantined.inc(),
    countImage(input, output) {
      inputBytes.inc(input);
      outputBytes.inc(output);
    },
  };
}
