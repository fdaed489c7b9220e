/** What is stored in Redis is not what it should be. Its message names the entry and what is wrong, never its content. */
export class UnreadableError extends Error {
  override name = 'UnreadableError';

  /** `cause` only says what is wrong; it is not kept, since the errors of parsers quote what they were given. */
  constructor(what: string, cause?: unknown) {
    super(cause === undefined ? `${what} cannot be read` : `${what} cannot be read: ${toReason(cause)}`);
  }
}

function toReason(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'it is no JSON';
  if (!(cause instanceof Error)) return 'it is damaged';
  const { issues } = cause as { issues?: { path: PropertyKey[]; code: string }[] };
  return issues?.map(({ path, code }) => `${path.join('.')}: ${code}`).join(', ') ?? cause.message;
}

/** Whether the entry that was read is bad, rather than Redis away or busy: others can be read nevertheless. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof UnreadableError || (error instanceof Error && error.message.startsWith('WRONGTYPE'));
}

/** Waits for what reads one entry; an unreadable one is told and left out. */
export async function skipUnreadable<T>(
  read: Promise<T>,
  onUnreadable: (error: unknown) => void,
): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    onUnreadable(error);
    return undefined;
  }
}
