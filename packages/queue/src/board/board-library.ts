import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Queue } from 'bullmq';
import { renderPage } from './render-page.ts';
import { showJob } from './show-job.ts';

type Api = typeof import('@bull-board/api');
type ServerAdapter = Parameters<Api['createBullBoard']>[0]['serverAdapter'];
type ApiRoute = Parameters<ServerAdapter['setApiRoutes']>[0][number];
type BoardQueues = Parameters<ServerAdapter['setQueues']>[0];
type Adapter = BoardQueues extends Map<string, infer A> ? A : never;
type UiConfig = Parameters<ServerAdapter['setUIConfig']>[0];

export interface BoardAnswer {
  status: number;
  body: unknown;
}

/** A route of the board's API and what its path named. */
export interface FoundRoute {
  route: ApiRoute;
  params: Record<string, string>;
}

export interface BoardLibrary {
  files: string;
  page(basePath: string): string;
  /** The GET route of a path; those that ask about more than the lanes shown are left out. */
  find(path: string): FoundRoute | undefined;
  /** A lane for reading, under its device's name, with jobs that hold nothing private. */
  adapt(queue: Queue, deviceId: string): Adapter;
  answer(found: FoundRoute, query: Record<string, string>, queues: BoardQueues): Promise<BoardAnswer>;
}

const UI_CONFIG: UiConfig = {
  boardTitle: 'Postern lanes',
  hideDocsLink: true,
  hideRedisDetails: true,
  // They would run CLIENT LIST for every lane, and completed jobs are not kept.
  showWorkers: false,
  showMetrics: false,
  sortQueues: true,
  miscLinks: [{ text: 'Postern', url: '/' }],
};

/** Of all of Redis, not of the lanes that are shown. */
const REDIS_ROUTE = '/api/redis/stats';
/** Asked for each job that is looked at; a producer would be made to find that no job of ours is part of a flow. */
const FLOW_ROUTE = '/api/queues/:queueName/:jobId/flow';

export async function loadBoardLibrary(): Promise<BoardLibrary> {
  const [{ createBullBoard }, { BullMQAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
  ]);
  let routes: ApiRoute[] = [];
  let uiConfig = UI_CONFIG;
  // Bull Board hands what it has to a web server through this; ours asks for itself.
  const server: ServerAdapter = {
    setQueues: () => server,
    setViewsPath: () => server,
    setStaticPath: () => server,
    setEntryRoute: () => server,
    setErrorHandler: () => server,
    setApiRoutes(all) {
      routes = all.filter(({ method, route }) => method === 'get' && route !== REDIS_ROUTE);
      return server;
    },
    setUIConfig(config) {
      uiConfig = config;
      return server;
    },
  };
  const uiBasePath = dirname(fileURLToPath(import.meta.resolve('@bull-board/ui/package.json')));
  createBullBoard({ queues: [], serverAdapter: server, options: { uiBasePath, uiConfig: UI_CONFIG } });
  const matchers = routes.map((route) => ({ route, match: toMatcher(String(route.route)) }));
  const template = await readFile(join(uiBasePath, 'dist', 'index.ejs'), 'utf8');

  class LaneAdapter extends BullMQAdapter {
    readonly #deviceId: string;

    constructor(queue: Queue, deviceId: string) {
      super(queue, { readOnlyMode: true });
      this.#deviceId = deviceId;
      this.setFormatter('data', showJob);
    }

    /** All lanes' queues have one name; what tells them apart is in the prefix of their keys. */
    override getName(): string {
      return this.#deviceId;
    }
  }

  return {
    files: join(uiBasePath, 'dist', 'static'),
    page: (basePath) => renderPage(template, basePath, uiConfig),
    find(path) {
      for (const { route, match } of matchers) {
        const params = match(path);
        if (params) return { route, params };
      }
      return undefined;
    },
    adapt: (queue, deviceId) => new LaneAdapter(queue, deviceId),
    async answer({ route, params }, query, queues) {
      if (route.route === FLOW_ROUTE)
        return { status: 200, body: { nodeId: params['jobId'], flowRoot: null, isFlowNode: false } };
      const { status = 200, body } = await route.handler({ queues, uiConfig, query, params, body: {}, headers: {} });
      return { status, body };
    },
  };
}

/** Reads a path by a pattern like `/api/queues/:queueName/:jobId`. */
function toMatcher(pattern: string): (path: string) => Record<string, string> | undefined {
  const names = [...pattern.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const expression = new RegExp(`^${pattern.replace(/:\w+/g, '([^/]+)')}$`);
  return (path) => {
    const match = expression.exec(path);
    if (!match) return undefined;
    try {
      return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? '')]));
    } catch {
      return undefined;
    }
  };
}
