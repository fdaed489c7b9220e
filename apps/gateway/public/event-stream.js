import { ApiError } from './api.js';

/**
 * Reads server-sent events until the stream ends or the signal aborts: `onEvent(name, data)` for each, with its JSON
 * parsed, and `onBytes()` whenever anything arrives, heartbeats too. Rejects with an ApiError when the gateway refuses,
 * which an EventSource would not tell. Does not reconnect.
 */
export async function readEvents(path, onEvent, signal, onBytes = () => {}) {
  const response = await fetch(path, { signal, headers: { Accept: 'text/event-stream' } });
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    onBytes();
    const blocks = (text + part.value).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) dispatch(block, onEvent);
  }
}

function dispatch(block, onEvent) {
  const name = /^event: ?(.*)$/m.exec(block)?.[1];
  const data = /^data: ?(.*)$/m.exec(block)?.[1];
  // A block without both is a heartbeat.
  if (name !== undefined && data !== undefined) onEvent(name, JSON.parse(data));
}
