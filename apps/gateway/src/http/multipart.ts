import type { Readable, Writable } from 'node:stream';
import { Failure, IMAGE_LIMITS } from '@postern/contract';
import { type BlobStore, type InspectedImage, storeImage } from '@postern/media';
import type { Request, Response } from 'express';
import multer from 'multer';
import { checkDeclaredBody, inviteBody, watchBody } from './body-watch.ts';
import { FormFields } from './form-fields.ts';
import { toMultipartFailure, UploadCutError } from './multipart-failure.ts';
import { nameImageParts } from './nameless-image.ts';
import { type Fields, MAX_FORM_FIELDS } from './text-fields.ts';

export interface Upload {
  fields: Fields;
  /** The image that lies in the store under the given id; absent when the form holds none. */
  image?: InspectedImage;
  /** The name of a field that is not known and holds a file, which was ignored. */
  strayFile?: string;
}

export interface UploadOptions {
  store: Pick<BlobStore, 'put'>;
  /** The blob's id. */
  id: string;
  signal: AbortSignal;
  onBytes: (count: number) => void;
}

/** The largest image, and room for the other fields and the form around them. */
const MAX_FORM_BYTES = IMAGE_LIMITS.maxBytes + 1024 * 1024;

const LIMITS = {
  fieldNameSize: 100,
  fieldSize: 64 * 1024,
  fields: MAX_FORM_FIELDS,
  parts: MAX_FORM_FIELDS + 10,
  // A second image must be seen to be named in the refusal, and files of unknown fields are ignored.
  files: 10,
  headerPairs: 32,
  fileSize: IMAGE_LIMITS.maxBytes,
};

const tooLarge = () => Failure.field('image', `larger than ${IMAGE_LIMITS.maxBytes} bytes (16 MiB), the most accepted`);

/**
 * Reads a multipart form, streaming its image into the store in constant memory.
 * Rejects with VALIDATION_ERROR when the form or the image breaks a rule, as soon as that is certain: the rest of the
 * body is then still unread. When it rejects, nothing is being written any more, but a complete blob may be stored.
 */
export async function readUpload(request: Request, response: Response, options: UploadOptions): Promise<Upload> {
  checkDeclaredBody(request, MAX_FORM_BYTES, tooLarge);
  inviteBody(request);
  const { signal, onBytes } = options;
  const watch = watchBody(request, { maxBytes: MAX_FORM_BYTES, tooLarge, signal, onBytes });
  const stopping = new AbortController();
  const engine = new ImageEngine(options, stopping.signal);
  const form = new FormFields();
  try {
    await Promise.race([parseForm(request, response, engine, form), engine.failed, form.failed, watch.failed]);
  } catch (error) {
    stopReading(request);
    stopping.abort(new UploadCutError('the upload was refused', { cause: error }));
    await engine.idle();
    stopReading(request);
    throw toMultipartFailure(error);
  } finally {
    watch.stop();
  }
  const { image, strayFile } = engine;
  return { fields: form.fields, ...(image && { image }), ...(strayFile !== undefined && { strayFile }) };
}

/** Also keeps multer from reading a body on that it has given up. */
function stopReading(request: Request): void {
  request.unpipe();
  request.removeAllListeners('readable').pause();
}

/** Multer's type declarations do not know this option of it. */
interface MulterOptions extends multer.Options {
  streamHandler: (request: Request, parser: Writable) => void;
}

function parseForm(request: Request, response: Response, engine: ImageEngine, form: FormFields): Promise<void> {
  const options: MulterOptions = {
    storage: engine,
    limits: LIMITS,
    fileFilter: (_request, file, callback) => engine.choose(file.fieldname, callback),
    streamHandler: (incoming, parser) => {
      form.listen(parser);
      nameImageParts(parser, incoming.get('content-type') ?? '');
      incoming.pipe(parser);
    },
  };
  const parse = multer(options).any();
  return new Promise((resolve, reject) => {
    parse(request, response, (error?: unknown) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

/** Multer's storage: hands the file's stream on, and remembers what became of it. */
class ImageEngine implements multer.StorageEngine {
  readonly #options: UploadOptions;
  readonly #signal: AbortSignal;
  #storing: Promise<void> = Promise.resolve();
  #fail: (error: unknown) => void = () => {};
  #hasImage = false;
  image: InspectedImage | undefined;
  strayFile: string | undefined;
  /** Rejects with why the image was refused, before multer has drained the body. */
  readonly failed: Promise<never>;

  constructor(options: UploadOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  /** Takes the first file of the field `image`, ignores those of unknown fields, and refuses a second image. */
  choose(field: string, callback: multer.FileFilterCallback): void {
    if (field !== 'image') {
      this.strayFile ??= field;
      return callback(null, false);
    }
    if (this.#hasImage) this.#fail(Failure.field('image', 'more than one file; expected one'));
    callback(null, !this.#hasImage);
    this.#hasImage = true;
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#storing;
  }

  _handleFile(_request: unknown, file: Express.Multer.File, callback: (error?: unknown) => void): void {
    this.#storing = this.#store(file.stream, callback);
  }

  async #store(stream: Readable, callback: (error?: unknown) => void): Promise<void> {
    const { store, id } = this.#options;
    try {
      this.image = await storeImage(store, id, chunksOf(stream), { field: 'image', signal: this.#signal });
    } catch (error) {
      this.#fail(error);
      return callback(error);
    }
    callback(null);
  }

  /** The caller deletes the blob of a refused request: it alone knows when nobody writes it any more. */
  _removeFile(_request: unknown, _file: unknown, callback: (error: Error | null) => void): void {
    callback(null);
  }
}

/** Tells a form that breaks off from a store that cannot write. */
async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    // Destroying it would make multer report an abort before the reason of the refusal is known.
    yield* stream.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw new UploadCutError('the form broke off', { cause: error });
  }
}
