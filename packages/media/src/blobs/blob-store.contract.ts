import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { BlobNotFoundError, type BlobStore } from './blob-store.ts';

export interface BlobStoreUnderTest {
  store: BlobStore;
  /** A second client of the same store, as another process would have. */
  another: BlobStore;
  /** Leaves a temporary file behind, as a writer does that is killed. */
  leaveTemporary(): Promise<void>;
  /** How many objects of any kind, complete or temporary, the store holds; its identity is not counted. */
  countEverything(): Promise<number>;
  close(): Promise<void>;
}

/** What every blob store promises; run it with a factory that opens an empty store. */
export function describeBlobStore(name: string, open: () => Promise<BlobStoreUnderTest>): void {
  describe(name, () => {
    let tested: BlobStoreUnderTest;
    before(async () => {
      tested = await open();
    });
    after(async () => {
      await tested.close();
    });

    it('gives back what was put, whole and as a stream, to every client', async () => {
      const blob = randomBytes(300_000);
      await tested.store.put('3EB0AAAA', slices(blob, 70_000));
      assert.deepEqual(await tested.another.read('3EB0AAAA'), blob);
      assert.deepEqual(Buffer.concat(await (await tested.another.open('3EB0AAAA')).toArray()), blob);
      await tested.store.delete('3EB0AAAA');
    });

    it('keeps an empty blob', async () => {
      await tested.store.put('empty', slices(Buffer.alloc(0), 1));
      assert.equal((await tested.store.read('empty')).byteLength, 0);
      await tested.store.delete('empty');
    });

    it('replaces a blob that is put again', async () => {
      await tested.store.put('again', slices(Buffer.from('first, and longer'), 4));
      await tested.store.put('again', slices(Buffer.from('second'), 4));
      assert.equal(String(await tested.store.read('again')), 'second');
      await tested.store.delete('again');
    });

    it('says clearly that a blob is not there, before, while and after it is', async () => {
      const missing = (error: unknown) => error instanceof BlobNotFoundError && error.blobId === 'late';
      const assertMissing = async () => {
        await assert.rejects(tested.store.read('late'), missing);
        await assert.rejects(tested.store.open('late'), missing);
      };
      await assertMissing();
      await tested.store.put('late', watched(Buffer.from('two parts'), assertMissing));
      assert.equal(String(await tested.store.read('late')), 'two parts');
      await tested.store.delete('late');
      await assertMissing();
    });

    it('leaves nothing of a put whose source fails', async () => {
      const failing = watched(Buffer.from('never whole'), () => Promise.reject(new Error('the client went away')));
      await assert.rejects(tested.store.put('failing', failing), /the client went away/);
      assert.equal(await tested.countEverything(), 0);
    });

    it('leaves nothing of a put that is aborted, even when its source hangs', { timeout: 10_000 }, async () => {
      const abort = new AbortController();
      const source = new PassThrough();
      source.write('the beginning');
      const putting = tested.store.put('aborted', source, abort.signal);
      setImmediate(() => abort.abort(new Error('enough')));
      await assert.rejects(putting, /enough/);
      assert.equal(await tested.countEverything(), 0);
      await assert.rejects(tested.store.put('aborted', slices(Buffer.from('x'), 1), AbortSignal.abort()), /abort/i);
      assert.equal(await tested.countEverything(), 0);
    });

    it('keeps the earlier blob when putting it again fails', async () => {
      await tested.store.put('kept', slices(Buffer.from('old'), 3));
      const failing = watched(Buffer.from('new'), () => Promise.reject(new Error('failed')));
      await assert.rejects(tested.store.put('kept', failing), /failed/);
      assert.equal(String(await tested.store.read('kept')), 'old');
      await tested.store.delete('kept');
    });

    it('deletes at once and without minding that a blob is gone, even while it is read', async () => {
      const blob = randomBytes(200_000);
      await tested.store.put('gone', slices(blob, 65_536));
      const stream = await tested.store.open('gone');
      await tested.store.delete('gone');
      await tested.another.delete('gone');
      assert.equal(await tested.countEverything(), 0);
      assert.deepEqual(Buffer.concat(await stream.toArray()), blob);
    });

    it('lists every complete blob with the time it was stored', async () => {
      const startedMs = Date.now();
      const ids = Array.from({ length: 20 }, (_, index) => `listed-${index}`);
      await Promise.all(ids.map((id) => tested.store.put(id, slices(Buffer.from(id), 2))));
      const listed: string[] = [];
      for await (const { id, modifiedAtMs } of tested.another.list()) {
        listed.push(id);
        assert.ok(Math.abs(modifiedAtMs - startedMs) < 60_000, `${id} was stored at ${modifiedAtMs}`);
      }
      assert.deepEqual(listed.toSorted(), ids.toSorted());
      await Promise.all(ids.map((id) => tested.store.delete(id)));
    });

    it('refuses ids that are not plain names', async () => {
      for (const id of ['', '..', 'a/b', '../a', 'a\\b', 'a.b', 'a b', 'a\0', 'x'.repeat(129), 'ü']) {
        await assert.rejects(tested.store.put(id, slices(Buffer.from('x'), 1)), /a blob id is/);
        await assert.rejects(tested.store.read(id), /a blob id is/);
        await assert.rejects(tested.store.open(id), /a blob id is/);
        await assert.rejects(tested.store.delete(id), /a blob id is/);
      }
      assert.equal(await tested.countEverything(), 0);
    });

    it('has one identity, whoever asks first', async () => {
      const asked = await Promise.all([1, 2, 3, 4].flatMap(() => [tested.store.identity(), tested.another.identity()]));
      assert.equal(new Set(asked).size, 1);
      assert.match(String(asked[0]), /^[0-9a-f-]{36}$/);
      assert.equal(await tested.store.identity(), asked[0]);
    });

    it('belongs to the first installation that claims it', async () => {
      const owners = await Promise.all(['a', 'b', 'c'].map((installation) => tested.store.claim(installation)));
      assert.equal(new Set(owners).size, 1);
      assert.equal(await tested.another.claim('later'), owners[0]);
    });

    it('can be probed while it is there', async () => {
      await tested.store.probe();
      assert.equal(await tested.countEverything(), 0);
    });

    it('sweeps what dead writers left, and nothing that is being written', async () => {
      await tested.leaveTemporary();
      assert.equal(await tested.store.sweepTemporary(60_000), 0);
      assert.equal(await tested.store.sweepTemporary(0), 1);
      assert.equal(await tested.countEverything(), 0);
    });
  });
}

/** The bytes in chunks of at most `size`. */
// oxlint-disable-next-line require-await
async function* slices(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.byteLength; offset += size) yield bytes.subarray(offset, offset + size);
}

/** The bytes in two chunks, with something happening between them. */
async function* watched(bytes: Buffer, between: () => Promise<void>): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes.subarray(0, 2);
  await between();
  yield bytes.subarray(2);
}
