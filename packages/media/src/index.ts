export { type BlobEntry, BlobNotFoundError, type BlobStore } from './blobs/blob-store.ts';
export { type BlobStoreVariables, blobStoreEnv, parseBlobStoreConfig } from './blobs/blob-store-env.ts';
export { type BlobStoreConfig, createBlobStore } from './blobs/create-blob-store.ts';
export { createDirectoryBlobStore, type DirectoryBlobStoreOptions } from './blobs/directory-blob-store.ts';
export { createS3BlobStore, type S3BlobStoreOptions } from './blobs/s3-blob-store.ts';
export { type BlobStoreWatch, watchBlobStore } from './blobs/watch-blob-store.ts';
export { isCidr } from './download/address-rules.ts';
export { checkImageUrl } from './download/check-image-url.ts';
export {
  DEFAULT_USER_AGENT,
  type DownloadedImage,
  type DownloadOptions,
  downloadImage,
} from './download/download-image.ts';
export { createHostBreaker, type HostBreaker } from './download/host-breaker.ts';
export type { ResolveHost } from './download/resolve-host.ts';
export type { ImageField } from './inspect/header-inspector.ts';
export { createImageInspector, type ImageInspector, type InspectedImage } from './inspect/image-inspector.ts';
export { type StoreImageOptions, storeImage } from './inspect/store-image.ts';
export {
  createImageProcessor,
  type ImageProcessor,
  type ImageProcessorOptions,
  type ImageRequest,
} from './pipeline/image-processor.ts';
export type { PreparedImage } from './pipeline/prepare-image.ts';
export { ImageProcessDiedError } from './process/image-process-handle.ts';
