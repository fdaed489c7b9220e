import type { Mail } from '@postern/contract';
import { createBlobStore, createHostBreaker, createImageProcessor, watchBlobStore } from '@postern/media';
import { createJobSettler, postMail, startMailbox } from '@postern/queue';
import {
  connectRedis,
  createBlobStoreAgreement,
  createDevices,
  createFailedJobs,
  createKeys,
  createLeases,
  createMessages,
  createPacing,
  createPairingQrs,
  createQuarantine,
  createReachOutHolds,
  createRedisCheck,
  createRedisRuns,
  createWorkers,
  createWriteProbe,
  disconnectRedis,
  observeRedis,
  startRedisClock,
  watchContents,
} from '@postern/registry';
import { createReadiness, type Logger, startOperationsServer, startTracing, withLifetime } from '@postern/runtime';
import type { WorkerConfig } from './config.ts';
import { createCommandInbox } from './devices/command-inbox.ts';
import { joinWorkers } from './devices/join-workers.ts';
import { Membership } from './devices/membership.ts';
import { Ownership } from './devices/ownership.ts';
import { Reachability } from './devices/reachability.ts';
import { startExpiry } from './lanes/expire-messages.ts';
import { createMeasuredImages } from './lanes/measured-images.ts';
import { createPreparedImages } from './lanes/prepare-message.ts';
import { startReconciler } from './lanes/reconcile-messages.ts';
import { createStage } from './lanes/stages.ts';
import { UploadCache } from './lanes/upload-cache.ts';
import { createWorkerMetrics } from './metrics.ts';
import { stopWorker } from './stop-worker.ts';
import { createBaileys } from './whatsapp/baileys.ts';
import { verifyStateKey } from './whatsapp/credentials/verify-state-key.ts';

const CLAIM_INTERVAL_MS = 750;
const REBALANCE_INTERVAL_MS = 1_000;
const EXPIRY_INTERVAL_MS = 1_000;
const RECONCILE_INTERVAL_MS = 30_000;
/** How long Redis may take for the write of a readiness check. */
const READY_WITHIN_MS = 1_000;
const BLOB_STORE_LOOK_MS = 5_000;
const STORE_RETRY_MS = 2_000;
const MAX_REDIRECTS = 5;
const MAX_BACKOFF_MS = 30_000;

export interface RunningWorker {
  workerId: string;
  metricsPort: number;
  stop(): Promise<void>;
}

/** Starts a worker: owns devices, works their lanes, and answers commands until `stop`. */
export function startWorker(config: WorkerConfig, logger: Logger): Promise<RunningWorker> {
  return withLifetime(async (lifetime) => {
    const { workerId } = config;
    const service = { name: 'postern-worker', id: workerId, logger };
    const tracing = lifetime.use(await startTracing(config.tracing, service), (started) => started.stop());
    const connect = async (name: string) =>
      lifetime.use(
        await connectRedis({
          url: config.redisUrl,
          name: `${workerId}:${name}`,
          profile: 'patient',
          onError: (error) => logger.warn({ err: error, connection: name }, 'redis connection failed'),
        }),
        disconnectRedis,
      );
    const redis = await connect('commands');
    const keys = createKeys(config.redisPrefix);
    const messages = createMessages(redis, keys, { recordTtlMs: config.recordTtlMs });
    const blobs = createBlobStore(config.blobs);
    await createBlobStoreAgreement(redis, keys, blobs).verify();
    await verifyStateKey(redis, keys, config.stateEncryptionKey);
    const workers = createWorkers(redis, keys);
    await joinWorkers({ workers, workerId, leaseTtlMs: config.leaseTtlMs });

    const runs = await createRedisRuns(redis);
    const redisClock = startRedisClock(redis, keys);
    lifetime.use(redisClock, (clock) => clock.stop());

    const owned: { by?: Ownership } = {};
    const metrics = createWorkerMetrics(() => owned.by?.devices ?? []);
    const onUnreadable = (what: 'device' | 'message') => (error: unknown) => {
      metrics.countUnreadable(what);
      logger.error({ err: error }, 'left out: an entry in Redis cannot be read');
    };
    const devices = createDevices(redis, keys, { onUnreadable: onUnreadable('device') });
    const probe = createWriteProbe(redis, keys, workerId);
    // What waits is sent however full Redis is.
    const demands = { highWaterPercent: 100, allowNoAppendOnly: config.allowNoAppendOnly };
    const redisObserver = await observeRedis({ redis, probe, demands, registry: metrics.registry, logger });
    lifetime.use(redisObserver, (observer) => observer.stop());
    const leases = createLeases(redis, keys, { workerId, ttlMs: config.leaseTtlMs });
    const whatsapp = createBaileys({
      redis,
      keys,
      logger,
      clock: redisClock.clock,
      webSocketUrl: config.webSocketUrl,
      noiseRootKey: config.noiseRootKey,
      connectTimeoutMs: config.connectTimeoutMs,
      queryTimeoutMs: config.queryTimeoutMs,
      ackTimeoutMs: config.ackTimeoutMs,
      uploadTimeoutMs: config.uploadTimeoutMs,
      stateEncryptionKey: config.stateEncryptionKey,
      onKeyWrite: (durationMs, ok) => metrics.observeKeyWrite(durationMs / 1000, ok),
    });
    const processor = createImageProcessor(config.images);
    lifetime.use(processor, (started) => started.stop());
    const failedJobs = createFailedJobs(redis, keys, { ttlMs: config.failedBlobTtlMs });
    const expiry = startExpiry({
      redis,
      keys,
      messages,
      blobs,
      recordTtlMs: config.recordTtlMs,
      failedJobTtlMs: config.failedBlobTtlMs,
      intervalMs: EXPIRY_INTERVAL_MS,
      onFailed: (code) => metrics.countMessage('failed', code, 0),
      logger,
    });
    lifetime.use(expiry, () => expiry.stop());

    const reconciler = startReconciler({
      redis,
      keys,
      messages,
      blobs,
      intervalMs: RECONCILE_INTERVAL_MS,
      minAgeMs: RECONCILE_INTERVAL_MS,
      onUnreadable: onUnreadable('message'),
      onFailed: (code) => metrics.countMessage('failed', code, 0),
      onRebuilt: () => metrics.countRebuiltRecord(),
      logger,
    });
    lifetime.use(reconciler, () => reconciler.stop());

    const contents = await watchContents(redis, keys, {
      registry: metrics.registry,
      logger,
      onLost: () => verifyStateKey(redis, keys, config.stateEncryptionKey),
    });
    lifetime.use(contents, (watch) => watch.stop());
    const reachability = new Reachability({
      unreachableMs: config.unreachableMs,
      canReach: () => whatsapp.canReach(),
      clock: redisClock.clock,
    });
    const { leaseTtlMs } = config;
    const membership = new Membership({ workers, workerId, leaseTtlMs, reachability, logger });
    const ownership = new Ownership({
      leases,
      workers,
      membership,
      onForgotten: () => contents.count('device', 1),
      leaseTtlMs: config.leaseTtlMs,
      redisUpMs: runs.uptimeMs,
      claimIntervalMs: CLAIM_INTERVAL_MS,
      rebalanceIntervalMs: REBALANCE_INTERVAL_MS,
      post: (processId, mail) => postMail(redis, keys, processId, mail),
      logger,
      deps: {
        redis,
        keys,
        workerId,
        devices,
        messages,
        jobs: createJobSettler(redis, keys, {
          recordTtlMs: config.recordTtlMs,
          failedJobTtlMs: config.failedBlobTtlMs,
        }),
        blobs,
        metrics,
        tracing,
        logger,
        whatsapp,
        qrs: createPairingQrs(redis, keys),
        images: createMeasuredImages(processor, (...bytes) => metrics.countImage(...bytes)),
        quarantine: createQuarantine(redis, keys),
        onQuarantined: () => metrics.countQuarantined(),
        prepared: createPreparedImages(),
        uploads: new UploadCache({
          reuseMs: config.uploadReuseMs,
          onUpload: (source) => metrics.countUpload(source),
        }),
        stage: createStage((stage, seconds) => metrics.observeStage(stage, seconds)),
        download: {
          allowPrivate: config.urlAllowPrivate,
          timeoutMs: config.downloadTimeoutMs,
          maxRedirects: MAX_REDIRECTS,
          userAgent: config.downloadUserAgent,
          breaker: createHostBreaker(),
        },
        pacing: createPacing(redis, keys),
        holds: createReachOutHolds(redis, keys),
        failedJobs,
        defaultPace: config.pace,
        reachOutHoldMs: config.reachOutHoldMs,
        laneConcurrency: config.laneConcurrency,
        graceMs: config.graceMs,
        redisClock,
        send: {
          maxAttempts: config.sendAttempts,
          budgetMs: config.sendBudgetMs,
          backoffBaseMs: config.sendBackoffMs,
          backoffMaxMs: MAX_BACKOFF_MS,
          storeRetryMs: STORE_RETRY_MS,
        },
      },
    });
    owned.by = ownership;
    const abandoning = new AbortController();
    lifetime.use(ownership, () => ownership.stop(abandoning.signal));
    // The first connection is up already; every `ready` from here on is a return.
    const onReady = async () => {
      const back = ownership.onRedisBack();
      if (!(await runs.haveChanged())) return back.trust();
      await whatsapp.rewriteRecent();
      logger.warn('redis was restarted');
    };
    redis.on('ready', () => {
      onReady().catch((error: unknown) => logger.warn({ err: error }, 'the run of Redis could not be read'));
    });

    const onCommand = createCommandInbox({
      execute: (command) => ownership.execute(command),
      reply: (processId, result) => postMail(redis, keys, processId, result),
      logger,
    });
    const onMail = (mail: Mail) => {
      if (mail.type === 'command') onCommand(mail);
      if (mail.type === 'lane_filled') ownership.find(mail.device_id)?.wakeLane();
      if (mail.type === 'lane_pause_changed') ownership.find(mail.device_id)?.recheckLanePause();
      if (mail.type !== 'devices_released') return;
      ownership.claim(mail.device_ids).catch((error: unknown) => logger.warn({ err: error }, 'claim failed'));
    };
    const mailbox = await startMailbox({
      redis: await connect('mailbox'),
      keys,
      processId: workerId,
      onMail,
      onError: (error) => logger.warn({ err: error }, 'mailbox error'),
    });
    lifetime.use(mailbox, () => mailbox.stop());

    const watch = await watchBlobStore(blobs, { intervalMs: BLOB_STORE_LOOK_MS, registry: metrics.registry, logger });
    lifetime.use(watch, (started) => started.stop());
    const checks = [
      createRedisCheck(probe, READY_WITHIN_MS),
      redisObserver.settingsCheck,
      watch.check,
      { name: 'devices', findProblem: () => membership.problem },
      contents.check,
    ];
    const operations = await startOperationsServer(metrics.registry, {
      host: config.metricsHost,
      port: config.metricsPort,
      ready: createReadiness(checks),
    });
    lifetime.use(operations, () => operations.stop());
    logger.info({ worker_id: workerId, metrics_port: operations.port }, 'ready');
    return {
      workerId,
      metricsPort: operations.port,
      stop: () => stopWorker({ lifetime, redisClock, abandoning, logger }),
    };
  });
}
