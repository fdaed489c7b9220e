import type { EventEmitter } from 'node:events';
import { Failure } from '@postern/contract';
import { addField } from './text-fields.ts';

/** What stands for bytes that are no text, as in what decoders make of them; fields that are read refuse it. */
const UNREADABLE = '\ufffd';

/** How the parser tells what it cut off. */
interface Cut {
  valueTruncated: boolean;
}

/**
 * Takes the text fields of a multipart form from its parser as they were sent, a repeated name as a list, like those of a
 * urlencoded form. Multer would make objects of names with brackets, and refuse the form for some of them.
 */
export class FormFields {
  readonly fields = new Map<string, unknown>();
  /** Rejects when a field is too long. */
  readonly failed: Promise<never>;
  #fail: (error: Failure) => void = () => {};

  constructor() {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  /** `parser` is busboy's; a value whose charset it does not know is undefined. */
  listen(parser: EventEmitter): void {
    parser
      .removeAllListeners('field')
      .on('field', (name: string | undefined, value: string | undefined, { valueTruncated }: Cut) => {
        // A name that is empty comes as none.
        if (name === undefined) return;
        if (valueTruncated) return this.#fail(tooLong(name));
        addField(this.fields, name, value ?? UNREADABLE);
      });
  }
}

function tooLong(name: string): Failure {
  const isImage = name === 'image';
  return Failure.field(name.slice(0, 100), isImage ? 'expected a file with a file name, got text' : 'too long');
}
