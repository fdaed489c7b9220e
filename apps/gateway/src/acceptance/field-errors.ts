import { Failure, type FieldError } from '@postern/contract';

/** Collects every broken rule of a request, so that its caller learns of all at once. */
export class FieldErrors {
  readonly #errors: FieldError[] = [];

  add(field: string, message: string): void {
    this.#errors.push({ field, message });
  }

  /** The value that `read` gives; when it throws a VALIDATION_ERROR, that is kept and `fallback` stands in. */
  attempt<T>(fallback: T, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'VALIDATION_ERROR') throw error;
      this.#errors.push(...(error.details.errors ?? [{ field: '', message: error.message }]));
      return fallback;
    }
  }

  /** Throws one VALIDATION_ERROR with everything collected, if there is anything. */
  throwIfAny(): void {
    if (this.#errors.length === 0) return;
    const message = this.#errors.map((error) => `${error.field}: ${error.message}`).join('; ');
    throw new Failure('VALIDATION_ERROR', message, { details: { errors: this.#errors } });
  }
}
