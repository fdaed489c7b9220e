import { randomUUID } from 'node:crypto';
import { CONNECTED_NEWS_MS, type Mail } from '@postern/contract';
import { createBlobStore, watchBlobStore } from '@postern/media';
import {
  createLaneBoard,
  createProducer,
  hasJob,
  lookAtDevice,
  postMail,
  purgeLane,
  readLaneStatus,
  removeJob,
  startMailbox,
} from '@postern/queue';
import {
  connectRedis,
  createBlobStoreAgreement,
  createDevices,
  createFailedJobs,
  createIdempotencyClaims,
  createKeys,
  createLanePauses,
  createMessageLists,
  createMessages,
  createPairingQrs,
  createRedisCheck,
  createSessions,
  createWriteProbe,
  disconnectRedis,
  hasContent,
  observeRedis,
  readOwner,
  readSigningSecret,
  startRedisClock,
} from '@postern/registry';
import {
  ConfigError,
  createMetricsRegistry,
  createReadiness,
  type Logger,
  readDescriptorLimit,
  startOperationsServer,
  startTracing,
  withLifetime,
} from '@postern/runtime';
import { createAcceptance } from './acceptance/acceptance.ts';
import { createKeyedAcceptance } from './acceptance/keyed-acceptance.ts';
import { createQuotable } from './acceptance/quotable.ts';
import { takeOfRate } from './acceptance/rate-limit.ts';
import { assertRedisTakesMore } from './acceptance/redis-room.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { assertDistinct, readApiKeysFile } from './auth/credentials.ts';
import { createGuessLimit } from './auth/guess-limit.ts';
import { observeBacklog } from './backlog-metrics.ts';
import { startSweeper } from './blobs/sweeper.ts';
import { ChangeFeed } from './changes/change-feed.ts';
import { type GatewayConfig, isLoopbackHost } from './config.ts';
import { createCommands } from './devices/commands.ts';
import { createQrLinks } from './devices/qr-links.ts';
import { admit, assertDeviceReady } from './http/admit.ts';
import { apiDocsRoutes } from './http/api-docs.ts';
import { createApp } from './http/app.ts';
import { ConnectionLimit, toConnectionLimit } from './http/connection-limit.ts';
import { deviceRoutes } from './http/devices.ts';
import { createDrain } from './http/drain.ts';
import { eventRoutes } from './http/events.ts';
import type { Route } from './http/exchange.ts';
import { gowaAliasRoutes } from './http/gowa-aliases.ts';
import { laneRoutes } from './http/lanes.ts';
import { loginRoutes } from './http/login.ts';
import { messageRoutes } from './http/messages.ts';
import { operationsRoutes } from './http/operations.ts';
import { createPages } from './http/pages.ts';
import { queueBoardRoutes } from './http/queue-board.ts';
import { sendImageRoutes } from './http/send-image.ts';
import { startHttpServer } from './http/server.ts';
import { sessionRoutes } from './http/session.ts';
import { createUploadSlots } from './http/upload-slots.ts';
import { LanePurges } from './lanes/lane-purges.ts';
import { createGatewayMetrics } from './metrics.ts';
import { createMailDelivery } from './outcomes/deliver-mail.ts';
import { createOutcomes } from './outcomes/outcomes.ts';
import { startLossWatch } from './redis-losses.ts';
import { createUnreadableReport } from './unreadable-report.ts';

export interface Gateway {
  id: string;
  port: number;
  metricsPort: number;
  /** Everything it serves but the pages. */
  routes: readonly Pick<Route, 'method' | 'path'>[];
  /** Refuses new work, lets what waits finish for a short while, tells the rest, and releases everything. */
  stop(): Promise<void>;
}

/** How long requests in flight may go on once the gateway has been told to stop. */
const DRAIN_MS = 3_000;
/** How long connections may stay open after the last answer. */
const CLOSE_MS = 1_000;
const SWEEP_INTERVAL_MS = 5 * 60_000;
const BLOB_STORE_LOOK_MS = 5_000;
/** How long Redis may take for the write of a readiness check. */
const READY_WITHIN_MS = 700;

/** Starts a gateway. Rejects when Redis does not answer, the blob store is not everyone's, or the address is taken. */
export function startGateway(config: GatewayConfig, logger: Logger): Promise<Gateway> {
  return withLifetime(async (lifetime) => {
    const id = `gateway-${randomUUID()}`;
    const credentials = [
      ...config.credentials,
      ...(config.apiKeysFile === undefined ? [] : await readApiKeysFile(config.apiKeysFile)),
    ];
    assertDistinct(credentials);
    const isShared = credentials.length > 1;
    if (credentials.length === 0 && !isLoopbackHost(config.host)) {
      throw new ConfigError('API_KEYS_FILE holds no key; without credentials only a loopback address is served');
    }
    const service = { name: 'postern-gateway', id, logger };
    const tracing = lifetime.use(await startTracing(config.tracing, service), (started) => started.stop());
    const keys = createKeys(config.redisPrefix);
    const connect = async (name: string, profile: 'fast' | 'patient') => {
      const onError = (error: Error) => logger.warn({ err: error, connection: name }, 'redis connection failed');
      const options = { url: config.redisUrl, name: `postern-${name}`, profile, onError };
      return lifetime.use(await connectRedis(options), disconnectRedis);
    };
    const redis = await connect('gateway', 'fast');
    // Owners say every 15 s that their devices are connected, and need a moment to find back to Redis.
    const redisClock = startRedisClock(redis, keys, { marginMs: CONNECTED_NEWS_MS });
    lifetime.use(redisClock, (clock) => clock.stop());
    const blobs = createBlobStore(config.blobs);
    const blobStoreAgreement = createBlobStoreAgreement(redis, keys, blobs);
    await blobStoreAgreement.verify();
    const secret = await readSigningSecret(redis, keys);

    const registry = createMetricsRegistry();
    const metrics = createGatewayMetrics(registry);
    const { onUnreadable, skip } = createUnreadableReport(metrics, logger);
    const devices = createDevices(redis, keys, { onUnreadable: onUnreadable('device') });
    const messages = createMessages(redis, keys, { recordTtlMs: config.recordTtlMs });
    const qrs = createPairingQrs(redis, keys);
    const ownerOf = (deviceId: string) => readOwner(redis, keys, deviceId);

    const outcomes = createOutcomes({ messages, onFallback: () => metrics.outcomeFallbacks.inc() });
    const post = (workerId: string, mail: Mail) => postMail(redis, keys, workerId, mail);
    const commands = createCommands({ ownerOf, isGone: (deviceId) => devices.isGone(deviceId), post, replyTo: id });
    const mailbox = await startMailbox({
      redis: await connect('gateway-mailbox', 'patient'),
      keys,
      processId: id,
      onMail: createMailDelivery({ outcomes, commands, logger }),
      onError: (error) => logger.warn({ err: error }, 'mailbox not read'),
    });
    lifetime.use(mailbox, (started) => started.stop());

    const { laneLimit, recordTtlMs } = config;
    const producer = createProducer(redis, keys, { recordTtlMs });
    const agreed = { secret, blobStoreAgreement };
    const losses = await startLossWatch(redis, keys, { agreed, redisClock, recordTtlMs, registry, logger });
    lifetime.use(losses, (started) => started.stop());
    const acceptance = createAcceptance({ producer, laneLimit, onAccepted: losses.onAccepted });
    // A record must outlive the key that leads to it, or the message would be sent again.
    const claimTtlMs = Math.min(config.idempotencyTtlMs, config.recordTtlMs);
    const keyed = createKeyedAcceptance({
      claims: createIdempotencyClaims(redis, keys, { ttlMs: claimTtlMs }),
      acceptance,
      messages,
      hasJob: (deviceId, messageId) => hasJob(redis, keys, deviceId, messageId),
      blobs,
      logger,
    });
    const uploadSlots = createUploadSlots(config.uploadsLimit, { isShared });
    const connections = new ConnectionLimit(toConnectionLimit(readDescriptorLimit(), config.uploadsLimit));
    observeBacklog(registry, { redis, keys });
    const probe = createWriteProbe(redis, keys, id);
    const { redisDemands: demands } = config;
    const redisObserver = await observeRedis({ redis, probe, demands, registry, logger });
    lifetime.use(redisObserver, (observer) => observer.stop());

    // Workers decide for how long.
    const failedJobs = createFailedJobs(redis, keys, { ttlMs: 0 });
    const messageLists = createMessageLists(redis, keys, { onUnreadable: onUnreadable('message') });
    const readLane = (deviceId: string) => skip('device', readLaneStatus(redis, keys, deviceId));
    const sweeper = startSweeper({
      blobs,
      assertOurs: () => blobStoreAgreement.verify(),
      messages,
      failedJobs,
      graceMs: config.blobGraceMs,
      intervalMs: Math.min(SWEEP_INTERVAL_MS, config.blobGraceMs),
      onSwept: (count) => metrics.sweptBlobs.inc(count),
      logger,
    });
    lifetime.use(sweeper, (started) => started.stop());

    const watch = await watchBlobStore(blobs, { intervalMs: BLOB_STORE_LOOK_MS, registry, logger });
    lifetime.use(watch, (started) => started.stop());
    const drain = createDrain();
    const readiness = createReadiness([
      { name: 'lifecycle', findProblem: () => (drain.isDraining() ? 'shutting down' : undefined) },
      createRedisCheck(probe, READY_WITHIN_MS),
      redisObserver.settingsCheck,
      watch.check,
      losses.check,
    ]);
    const changes = new ChangeFeed({
      devices,
      messages: { read: (...ids) => skip('message', messages.read(...ids)) },
      messageLists,
      failedJobs,
      readLane,
      onError: (error) => logger.warn({ err: error }, 'changes not read'),
    });
    metrics.observe({
      waiting: () => outcomes.waiting(),
      uploads: () => uploadSlots.inUse(),
      eventStreams: () => changes.listeners,
    });
    const operations = await startOperationsServer(registry, {
      host: config.metricsHost,
      port: config.metricsPort,
      ready: readiness,
    });
    lifetime.use(operations, (started) => started.stop());

    const admission = {
      devices,
      lookAt: (deviceId: string) => lookAtDevice(redis, keys, deviceId),
      laneLimit: config.laneLimit,
      deviceGraceMs: config.deviceGraceMs,
      redisClock,
      assertTakesMore: () =>
        assertRedisTakesMore(redisObserver, (problem) => metrics.admissionsRefused.inc({ problem })),
    };
    const sending = { acceptance, keyed, blobs, outcomes, metrics, replyTo: id, syncWaitMs: config.syncWaitMs };
    const purge = (deviceId: string) => purgeLane(redis, keys, deviceId, { recordTtlMs: config.recordTtlMs });
    const purges = lifetime.use(new LanePurges({ purge, messages, blobs, outcomes, metrics, logger }), (made) =>
      made.stop(),
    );
    const authenticator = createAuthenticator(
      credentials,
      createGuessLimit({ onFailure: (result) => metrics.authenticationFailures.inc({ result }) }),
    );
    const sessions = createSessions(redis, keys);
    const pairing = { devices, qrs, commands, qrLinks: createQrLinks(secret), shuttingDown: drain.begun };
    const routes = [
      ...operationsRoutes({ readiness }),
      ...sessionRoutes({ authenticator, sessions }),
      ...sendImageRoutes({
        ...sending,
        takeOfRate: (principal) => takeOfRate(redis, keys, principal, config.rateLimit),
        admit: (...request) => admit(...request, admission),
        isQuotable: createQuotable({ messages, hasContent: (...ids) => hasContent(redis, keys, ...ids) }),
        uploadSlots,
        urlAllowPrivate: config.urlAllowPrivate,
        queueTtlMs: config.queueTtlMs,
      }),
      ...messageRoutes({
        ...sending,
        devices,
        messages,
        messageLists,
        failedJobs,
        removeJob: (...ids) => removeJob(redis, keys, ...ids),
        assertReady: (deviceId) => assertDeviceReady(deviceId, admission),
      }),
      ...deviceRoutes({ devices, ownerOf, commands }),
      ...laneRoutes({
        devices,
        ownerOf,
        post,
        readLane,
        pauses: createLanePauses(redis, keys),
        purges,
      }),
      ...eventRoutes({ changes, isShared, shuttingDown: drain.begun }),
      ...loginRoutes(pairing),
      ...gowaAliasRoutes({ ...pairing, ownerOf }),
    ];
    const board = lifetime.use(createLaneBoard({ redis, keys }), (created) => created.stop());
    const viewRoutes = [...apiDocsRoutes(), ...queueBoardRoutes({ board, devices })];
    const app = createApp({
      routes: [...routes, ...viewRoutes],
      pages: createPages(),
      corsOrigins: config.corsOrigins,
      authenticator,
      sessions,
      connections,
      drain,
      metrics,
      tracing,
      logger,
    });
    const server = await startHttpServer(app, { host: config.host, port: config.port, connections });
    lifetime.use(server, async (started) => {
      await drain.begin(DRAIN_MS);
      await started.stop(CLOSE_MS);
    });
    return { id, port: server.port, metricsPort: operations.port, routes, stop: () => lifetime.stop() };
  });
}
