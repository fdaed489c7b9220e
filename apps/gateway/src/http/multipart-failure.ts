import { Failure, IMAGE_LIMITS } from '@postern/contract';
import multer from 'multer';

/** The form's stream ended before its file did. */
export class UploadCutError extends Error {
  override name = 'UploadCutError';
}

/** What the multipart stage throws for a form that is not well formed; most of it are plain Errors. */
const DAMAGED =
  /Boundary not found|Unexpected end of (form|file)|Malformed|Unsupported content type|Missing Content-Type|Request (aborted|closed|error)|aborted|ECONNRESET/;

/** A form that breaks a rule is the caller's fault; only a store that cannot write is ours. */
export function toMultipartFailure(error: unknown): unknown {
  if (error instanceof Failure) return error;
  if (error instanceof multer.MulterError) return fromMulter(error);
  if (error instanceof UploadCutError || (error instanceof Error && DAMAGED.test(error.message))) {
    return new Failure('VALIDATION_ERROR', 'The multipart form is damaged or incomplete', { cause: error });
  }
  return error;
}

function fromMulter({ code, field }: multer.MulterError): Failure {
  const name = field === undefined ? 'form' : field.slice(0, 100);
  switch (code) {
    case 'LIMIT_FILE_SIZE':
      return Failure.field(name, `larger than ${IMAGE_LIMITS.maxBytes} bytes (16 MiB), the most accepted`);
    case 'LIMIT_FIELD_COUNT':
    case 'LIMIT_PART_COUNT':
    case 'LIMIT_FILE_COUNT':
      return Failure.field('form', 'too many fields or files');
    default:
      return Failure.field(name, 'not a usable field name');
  }
}
