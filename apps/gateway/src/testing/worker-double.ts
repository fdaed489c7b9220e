import type { CommandResult, DeviceCommand, SendImageJob } from '@postern/contract';
import { Lane, postMail, startMailbox } from '@postern/queue';
import { connectRedis } from '@postern/registry';
import type { GatewayUnderTest } from './gateway-under-test.ts';

export interface WorkerDoubleOptions {
  deviceId: string;
  /** Settles the message's record; afterwards the gateway is told. Default: marks it sent. */
  settle?: (job: SendImageJob) => Promise<unknown>;
  /** What became of the picture. Default: nothing. */
  notes?: () => string[];
  /** Whether the gateway is told that a message has settled. Default: true. */
  tells?: boolean;
  /** How a command ends; undefined: it is never answered. Default: done. */
  onCommand?: (command: DeviceCommand) => Promise<Partial<CommandResult> | undefined>;
}

export interface WorkerDouble {
  jobs: SendImageJob[];
  commands: DeviceCommand[];
  stop(): Promise<void>;
}

const TOKEN = 'worker-1#1';

/** Stands in for a worker called `worker-1`, on the real lane and mailbox; what WhatsApp would say is decided by the test. */
export async function startWorkerDouble(
  { server, redis, keys, messages }: GatewayUnderTest,
  options: WorkerDoubleOptions,
): Promise<WorkerDouble> {
  const { deviceId, tells = true } = options;
  const settle = options.settle ?? ((job) => messages.markSent(job.device_id, job.message_id, Date.now()));
  const onCommand = options.onCommand ?? (() => Promise.resolve({}));
  const jobs: SendImageJob[] = [];
  const commands: DeviceCommand[] = [];
  const failures: unknown[] = [];
  const onError = (error: unknown) => failures.push(error);
  const lane = new Lane({
    redis,
    keys,
    deviceId,
    leaseToken: TOKEN,
    concurrency: 32,
    async process(job) {
      jobs.push(job);
      await messages.beginAttempt(job.device_id, job.message_id, TOKEN, { notes: options.notes?.() ?? [] });
      await settle(job);
      if (tells) await postMail(redis, keys, job.reply_to, { type: 'message_settled', message_id: job.message_id });
      return 'settled';
    },
    onProblem: async (_id, { error }) => {
      onError(error);
    },
    onError,
  });
  lane.resume();
  const answer = async (command: DeviceCommand) => {
    commands.push(command);
    const result = await onCommand(command);
    if (!result) return;
    const { command_id, reply_to } = command;
    const base = { type: 'command_result', command_id, outcome: 'done', results: {} } as const;
    await postMail(redis, keys, reply_to, { ...base, ...result });
  };
  const mailbox = await startMailbox({
    redis: await connectRedis({ url: server.url, name: 'worker-double', profile: 'patient', onError }),
    keys,
    processId: 'worker-1',
    onMail(mail) {
      if (mail.type === 'command') answer(mail).catch(onError);
    },
    onError,
  });
  return {
    jobs,
    commands,
    async stop() {
      await lane.close(1_000);
      await mailbox.stop();
    },
  };
}
