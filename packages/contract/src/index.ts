export {
  FAILURES,
  Failure,
  type FailureCode,
  type FailureDetails,
  type FailureOptions,
  type FieldError,
  isFailureCode,
} from './failure.ts';
export { IMAGE_LIMITS, IMAGE_MIME_TYPES, type ImageMimeType, MAX_CAPTION_CODE_POINTS } from './limits.ts';
