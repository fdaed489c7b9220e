import type { BlobStore } from '../blobs/blob-store.ts';
import type { ImageField } from './header-inspector.ts';
import { createImageInspector, type InspectedImage } from './image-inspector.ts';

export interface StoreImageOptions {
  field: ImageField;
  signal?: AbortSignal;
}

/**
 * Streams an image into the store while inspecting it, in constant memory. When a rule is broken (VALIDATION_ERROR), the
 * source fails, the signal aborts or the store cannot write, nothing stays in the store.
 */
export async function storeImage(
  store: Pick<BlobStore, 'put'>,
  id: string,
  chunks: AsyncIterable<Uint8Array>,
  { field, signal }: StoreImageOptions,
): Promise<InspectedImage> {
  const inspector = createImageInspector(field);
  let inspected: InspectedImage | undefined;
  async function* inspecting() {
    for await (const chunk of chunks) {
      inspector.push(chunk);
      yield chunk;
    }
    inspected = inspector.finish();
  }
  await store.put(id, inspecting(), signal);
  if (!inspected) throw new Error('the blob store did not read the image to its end');
  return inspected;
}
