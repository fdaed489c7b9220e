export { type BlobEntry, BlobNotFoundError, type BlobStore } from './blobs/blob-store.ts';
export { createDirectoryBlobStore, type DirectoryBlobStoreOptions } from './blobs/directory-blob-store.ts';
export {
  createImageInspector,
  type ImageField,
  type ImageInspector,
  type InspectedImage,
} from './inspect/image-inspector.ts';
export { type StoreImageOptions, storeImage } from './inspect/store-image.ts';
