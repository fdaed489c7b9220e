import type { Keys } from '@postern/registry';
import { type Clock, type Logger, monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { canReach } from './can-reach.ts';
import { clearAuthentication } from './credentials/authentication.ts';
import { createOwnedWriter } from './credentials/owned-writer.ts';
import { RecentWrites } from './credentials/recent-writes.ts';
import { createStateCipher } from './credentials/state-cipher.ts';
import { trustNoiseRoot } from './noise-root.ts';
import { releaseUploadTimer } from './release-upload-timer.ts';
import { BaileysSession } from './session.ts';
import { repairSignatureCheck } from './signature-repair.ts';
import { silenceConsole } from './silence-console.ts';
import { clearContents } from './stored-contents.ts';
import { tolerateStrayRejections } from './stray-rejections.ts';
import type { WhatsApp } from './whatsapp.ts';

/** Told of what happens inside, for metrics; must not throw. */
export interface BaileysHooks {
  /** A write of credentials, keys or contents: while it lasts, the device's next message waits. */
  onKeyWrite?: (durationMs: number, ok: boolean) => void;
  /** Something was about to be printed on the console and was dropped. */
  onConsoleSilenced?: () => void;
}

export interface BaileysOptions extends BaileysHooks {
  /** A patient connection: commands wait for Redis to come back. */
  redis: Redis;
  keys: Keys;
  logger: Logger;
  /** Stands still while Redis is away. Default: one that never does. */
  clock?: Clock | undefined;
  /** Default: WhatsApp's own. */
  webSocketUrl?: string | undefined;
  /** 64 hex digits; default: WhatsApp's own root. Holds for the whole process. */
  noiseRootKey?: string | undefined;
  /** From `open` until connected or the first QR. */
  connectTimeoutMs: number;
  /** For one question to WhatsApp. */
  queryTimeoutMs: number;
  /** From the written stanza to the server's ack. */
  ackTimeoutMs: number;
  /** For encryption and everything of an upload. */
  uploadTimeoutMs: number;
  /** Between pings; a link silent for this and 5 s more is lost. Default: 20 s. */
  keepAliveIntervalMs?: number | undefined;
  /** Encrypts credentials, keys and contents in Redis. Losing it means pairing every device again. */
  stateEncryptionKey?: string | undefined;
}

/**
 * WhatsApp by Baileys. Some things change for the whole process: signatures are really checked, the console is silenced
 * (libsignal prints private keys on it), a rejection that Baileys forgot does not end the process, neither does a timer
 * that it forgot keep it alive.
 */
export function createBaileys(options: BaileysOptions): WhatsApp {
  repairSignatureCheck();
  releaseUploadTimer();
  silenceConsole(options.onConsoleSilenced);
  tolerateStrayRejections(options.logger);
  if (options.noiseRootKey !== undefined) trustNoiseRoot(options.noiseRootKey);
  const cipher = createStateCipher(options.stateEncryptionKey);
  const recentWrites = new RecentWrites();
  const { redis, keys, logger, connectTimeoutMs, queryTimeoutMs, ackTimeoutMs, uploadTimeoutMs } = options;
  return {
    async forget(deviceId, leaseToken) {
      const device = keys.device(deviceId);
      const writer = createOwnedWriter({
        redis,
        lastHolderKey: device.lastHolder,
        leaseToken,
        recent: recentWrites,
        onLeaseLost: () => {},
      });
      await clearAuthentication(device, writer);
      await clearContents(redis, device, writer);
    },
    canReach: () => canReach(options.webSocketUrl),
    rewriteRecent: () => recentWrites.repeat(redis),
    open: (open) =>
      new BaileysSession({
        ...open,
        redis,
        keys,
        cipher,
        logger: logger.child({ device_id: open.deviceId }),
        webSocketUrl: options.webSocketUrl,
        clock: options.clock ?? monotonicMs,
        connectTimeoutMs,
        queryTimeoutMs,
        ackTimeoutMs,
        uploadTimeoutMs,
        keepAliveIntervalMs: options.keepAliveIntervalMs ?? 20_000,
        recentWrites,
        onKeyWrite: options.onKeyWrite,
      }),
  };
}
