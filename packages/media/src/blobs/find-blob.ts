import { BlobNotFoundError } from './blob-store.ts';

/**
 * A blob that is looked for in vain counts as missing only when it is not there after the store was seen to be there: a
 * store that is away has lost nothing. `look` resolves with undefined when it finds nothing.
 */
export async function findBlob<T>(
  id: string,
  look: () => Promise<T | undefined>,
  assertHere: () => Promise<void>,
): Promise<T> {
  for (let wasHere = false; ; wasHere = true) {
    const found = await look();
    if (found !== undefined) return found;
    if (wasHere) throw new BlobNotFoundError(id);
    await assertHere();
  }
}
