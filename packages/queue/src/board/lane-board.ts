import { type Keys, readUnsettled } from '@postern/registry';
import type { Redis } from 'ioredis';
import { OpenQueues } from '../open-queues.ts';
import { type BoardAnswer, type BoardLibrary, loadBoardLibrary } from './board-library.ts';
import { chooseLanes, MAX_LANES_SHOWN } from './choose-lanes.ts';

export interface BoardRequest {
  /** Of the board's own API, e.g. `/api/queues`. */
  path: string;
  query: Record<string, string>;
  /** The devices whose lanes may be shown to whoever asks. */
  deviceIds: readonly string[];
}

/** Bull Board over the lanes, for reading alone: what changes anything is not there. */
export interface LaneBoard {
  /** Loads Bull Board the first time, which may take a second of a busy processor and asks Redis nothing. */
  open(): Promise<OpenedBoard>;
  stop(): Promise<void>;
}

export interface OpenedBoard {
  /** The HTML of its page, whose links begin with `basePath`. */
  page(basePath: string): string;
  /** The folder of the page's files. */
  files: string;
  /** Asks Redis. */
  answer(request: BoardRequest): Promise<BoardAnswer>;
}

const NOT_FOUND: BoardAnswer = { status: 404, body: { error: 'ERRORS.NOT_FOUND' } };

/** Bull Board is loaded when somebody first asks for it. */
export function createLaneBoard({ redis, keys }: { redis: Redis; keys: Keys }): LaneBoard {
  const queues = new OpenQueues(redis, keys, MAX_LANES_SHOWN);
  const toOpened = (board: BoardLibrary): OpenedBoard => ({
    page: (basePath) => board.page(basePath),
    files: board.files,
    async answer({ path, query, deviceIds }) {
      const found = board.find(path);
      if (!found) return NOT_FOUND;
      const named = found.params['queueName'] ?? toName(query['activeQueue']);
      // A lane's own views need no other lane.
      const unsettled = found.params['queueName'] === undefined ? await readUnsettled(redis, keys) : new Map();
      const shown = chooseLanes(deviceIds, unsettled, named);
      const lanes = found.params['queueName'] === undefined ? shown : shown.filter((id) => id === named);
      const adapt = async (id: string) => [id, board.adapt(await queues.of(id), id)] as const;
      const adapters = new Map(await Promise.all(lanes.map(adapt)));
      return board.answer(found, query, adapters);
    },
  });
  let opened: Promise<OpenedBoard> | undefined;
  return {
    open() {
      opened ??= loadBoardLibrary().then(toOpened);
      return opened;
    },
    stop: () => queues.stop(),
  };
}

/** The page encodes it once more than it must. */
function toName(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
