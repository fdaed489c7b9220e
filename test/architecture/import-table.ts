/**
 * Who may import whom; ARCHITECTURE.md shows the same table. A workspace that is missing here fails the test.
 * `own`: workspaces its code may import. `tests`: more that only its `*.test.ts` (and what they load) may import.
 */
export interface Row {
  own: readonly string[];
  tests: readonly string[];
}

export const WORKSPACES: Readonly<Record<string, Row>> = {
  'packages/runtime': { own: [], tests: [] },
  'packages/contract': { own: [], tests: [] },
  'packages/programs': { own: [], tests: [] },
  'packages/local-redis': { own: ['programs', 'runtime'], tests: [] },
  'packages/registry': { own: ['contract', 'runtime'], tests: ['local-redis'] },
  'packages/media': { own: ['contract', 'runtime'], tests: [] },
  'packages/queue': { own: ['contract', 'registry', 'runtime'], tests: ['local-redis'] },
  'packages/simulator': { own: ['runtime'], tests: [] },
  'apps/gateway': { own: ['contract', 'queue', 'registry', 'media', 'runtime'], tests: ['local-redis'] },
  'apps/worker': { own: ['contract', 'queue', 'registry', 'media', 'runtime'], tests: ['local-redis', 'simulator'] },
  'apps/demo': { own: ['runtime', 'local-redis'], tests: [] },
};

/** Libraries that stay inside one place, and that place (path prefixes); tests of other places may use them. */
export const CONFINED_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  bullmq: ['packages/queue/'],
  '@bull-board/api': ['packages/queue/src/board/'],
  sharp: ['packages/media/'],
  '@whiskeysockets/baileys': ['apps/worker/src/whatsapp/', 'packages/simulator/'],
  libsignal: ['apps/worker/src/whatsapp/', 'packages/simulator/'],
  express: ['apps/gateway/src/http/'],
  multer: ['apps/gateway/src/http/'],
  pino: ['packages/runtime/', 'packages/simulator/'],
  'prom-client': ['packages/runtime/'],
  '@opentelemetry/api': ['packages/runtime/src/tracing/'],
  '@opentelemetry/sdk-trace': ['packages/runtime/src/tracing/'],
};

/** The contract is data: nothing but zod. */
export const ONLY_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'packages/contract': ['zod'],
};

/** Files besides `main.ts` that read the environment, and why that is no configuration of a service. */
export const ENVIRONMENT_READERS: Readonly<Record<string, string>> = {
  'packages/programs/src/find-program.ts': 'finds programs on PATH',
  'packages/programs/src/cache-folder.ts': 'keeps what is fetched in the cache of whoever runs it',
  'packages/local-redis/src/redis-binary.ts': 'hands its environment to apt and brew',
};

export const FORBIDDEN_FOLDERS = ['shared', 'common', 'utils', 'helpers', 'core', 'types'];
export const MAX_LINES = 300;
