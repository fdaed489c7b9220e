import asyncHooks, { AsyncLocalStorage } from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';

/** From this version on Node keeps the values of all storages in one frame itself. */
const FIRST_NODE_WITH_FRAMES = 24;

type Frame = ReadonlyMap<AsyncLocalStorage<unknown>, unknown>;

/**
 * Lets every `AsyncLocalStorage` made from now on in this process share one. Before Node 24 each promise and each timer
 * carries a property for every storage that was ever run, and Baileys makes a storage for each device: with 500 devices half a core
 * and 400 MB went into copying these. Does nothing on a Node that has no such cost.
 */
export function shareAsyncContext(): void {
  if (Number.parseInt(process.versions.node, 10) >= FIRST_NODE_WITH_FRAMES) return;
  if (asyncHooks.AsyncLocalStorage !== AsyncLocalStorageInFrame) {
    Object.assign(asyncHooks, { AsyncLocalStorage: AsyncLocalStorageInFrame });
    syncBuiltinESMExports();
  }
}

const frames = new AsyncLocalStorage<Frame>();

/** A storage whose value is an entry of the frame that the asynchronous context carries, as in Node 24. */
export class AsyncLocalStorageInFrame<T> extends AsyncLocalStorage<T> {
  override getStore(): T | undefined {
    return frames.getStore()?.get(this) as T | undefined;
  }

  override run<R, Args extends unknown[]>(store: T, callback: (...args: Args) => R, ...args: Args): R {
    return frames.run(this.#frameWith(store), callback, ...args);
  }

  override exit<R, Args extends unknown[]>(callback: (...args: Args) => R, ...args: Args): R {
    return frames.run(this.#frameWith(undefined), callback, ...args);
  }

  override enterWith(store: T): void {
    frames.enterWith(this.#frameWith(store));
  }

  override disable(): void {
    frames.enterWith(this.#frameWith(undefined));
  }

  /** The current frame with this entry changed; contexts that carry the current one keep it as it is. */
  #frameWith(store: T | undefined): Frame {
    const frame = new Map(frames.getStore());
    if (store === undefined) frame.delete(this);
    else frame.set(this, store);
    return frame;
  }
}
