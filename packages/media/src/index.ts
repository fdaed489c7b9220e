export { type BlobEntry, BlobNotFoundError, type BlobStore } from './blobs/blob-store.ts';
export { createDirectoryBlobStore, type DirectoryBlobStoreOptions } from './blobs/directory-blob-store.ts';
export { isCidr } from './download/address-rules.ts';
export { checkImageUrl } from './download/check-image-url.ts';
export { type DownloadedImage, type DownloadOptions, downloadImage } from './download/download-image.ts';
export type { ResolveHost } from './download/guarded-agent.ts';
export {
  createImageInspector,
  type ImageField,
  type ImageInspector,
  type InspectedImage,
} from './inspect/image-inspector.ts';
export { type StoreImageOptions, storeImage } from './inspect/store-image.ts';
