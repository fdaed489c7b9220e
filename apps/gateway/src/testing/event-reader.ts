import assert from 'node:assert/strict';

export interface ReceivedEvent {
  event: string;
  data: Record<string, unknown>;
}

export interface EventReader {
  events: ReceivedEvent[];
  /** The whole text, with comments. */
  text(): string;
  /** The first event that this accepts and that was not answered before; waits for it. */
  next(accepts: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent>;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  stop(): void;
}

/** Reads `GET /events`. */
export async function openEvents(url: string, key: string): Promise<EventReader> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/events`, { headers: { 'x-api-key': key }, signal: leaving.signal });
  assert.equal(response.status, 200);
  const events: ReceivedEvent[] = [];
  let text = '';
  const answered = new Set<ReceivedEvent>();
  let onNews = () => {};
  const read = async () => {
    let unread = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const blocks = (unread + chunk).split('\n\n');
      unread = blocks.pop() ?? '';
      events.push(...blocks.flatMap(toEvent));
      onNews();
    }
  };
  return {
    events,
    text: () => text,
    async next(accepts) {
      const deadline = Date.now() + 10_000;
      for (;;) {
        const found = events.find((event) => !answered.has(event) && accepts(event));
        if (found) {
          answered.add(found);
          return found;
        }
        assert.ok(Date.now() < deadline, `not told within 10 s; got ${JSON.stringify(events)}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 200);
          onNews = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    ended: read().catch(() => {}),
    stop: () => leaving.abort(),
  };
}

function toEvent(block: string): ReceivedEvent[] {
  const event = /^event: (.*)$/m.exec(block)?.[1];
  const data = /^data: (.*)$/m.exec(block)?.[1];
  return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) as ReceivedEvent['data'] }];
}
