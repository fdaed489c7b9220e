/** An upload or download that is answered by an HTTP error status. */
export class MediaRefusal extends Error {
  override name = 'MediaRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
