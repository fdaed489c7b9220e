/** A defect that somebody might write: one text of one file, changed. */
export interface Mutation {
  name: string;
  /** From the repository's root. */
  file: string;
  /** Stands exactly once in the file. */
  from: string;
  to: string;
  /** Test files that must fail with it, from the root; each passes without it. */
  noticedBy: readonly string[];
}

/** What the guarantees rest on, broken. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'fences are open: a former owner may write',
    file: 'packages/registry/src/holds.ts',
    from: 'return last == token or epoch_of(token) > epoch_of(last)',
    to: 'return true',
    noticedBy: ['packages/registry/src/leases.test.ts'],
  },
  {
    name: 'a lease is released before the socket is closed',
    file: 'apps/worker/src/devices/ownership.ts',
    from: '      await device.stop();\n      await this.#release(device.lease);\n',
    to: '      const closing = device.stop();\n      await this.#release(device.lease);\n      void closing;\n',
    noticedBy: ['test/e2e/hand-over.test.ts'],
  },
  {
    name: 'a blob is deleted when it is read',
    file: 'packages/media/src/blobs/directory-blob-store.ts',
    from: '      return await find(id, readWhole);\n',
    to: '      const all = await find(id, readWhole);\n      await unlink(pathOf(id));\n      return all;\n',
    noticedBy: ['test/e2e/durability-worker.test.ts'],
  },
  {
    name: 'notifications to other processes are dropped',
    file: 'packages/queue/src/mailbox.ts',
    from: '  await post(redis, [keys.mailbox(processId)], [JSON.stringify(mail)]);',
    to: '  void [redis, keys, processId, mail, post];',
    noticedBy: ['packages/queue/src/mailbox.test.ts'],
  },
  {
    name: 'a job is kept after it was settled',
    file: 'packages/queue/src/settle-jobs.ts',
    from: "  redis.call('LREM', KEYS[i], -1, ARGV[1])\n  return redis.call('DEL', KEYS[i + 1], KEYS[i + 2])",
    to: '  return 2',
    noticedBy: ['packages/queue/src/lane.test.ts'],
  },
];
