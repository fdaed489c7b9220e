/** The image rules of the contract; gateway and worker apply the same ones. */
export const IMAGE_LIMITS = {
  maxBytes: 16 * 1024 * 1024,
  minPixelsPerEdge: 48,
  maxPixelsPerEdge: 16_000,
} as const;

export const MAX_CAPTION_CODE_POINTS = 3000;

/** The image formats that are accepted, told by their bytes. */
export const IMAGE_MIME_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] as const;
export type ImageMimeType = (typeof IMAGE_MIME_TYPES)[number];
