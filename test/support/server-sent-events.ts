export interface ServerSentEvent {
  event: string;
  fields: Record<string, unknown>;
}

/** Reads a stream of server-sent events until it ends or the loop is left, which closes it. */
export async function* readEvents(url: string): AsyncGenerator<ServerSentEvent, void, undefined> {
  const leaving = new AbortController();
  try {
    const { body } = await fetch(url, { signal: leaving.signal });
    let unread = '';
    for await (const chunk of body ?? []) {
      unread += Buffer.from(chunk as Uint8Array).toString();
      const blocks = unread.split('\n\n');
      unread = blocks.pop() ?? '';
      yield* blocks.flatMap(toEvent);
    }
  } finally {
    leaving.abort();
  }
}

function toEvent(block: string): ServerSentEvent[] {
  const line = (name: string) =>
    block
      .split('\n')
      .find((text) => text.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const [event, json] = [line('event'), line('data')];
  return event === undefined || json === undefined
    ? []
    : [{ event, fields: JSON.parse(json) as ServerSentEvent['fields'] }];
}
