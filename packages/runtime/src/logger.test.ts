import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type Logger, maskNumber } from './logger.ts';

test('whole numbers are masked to their last four digits', () => {
  assert.equal(maskNumber('6281234567890@s.whatsapp.net'), '…7890@s.whatsapp.net');
  assert.equal(maskNumber('my-device-1'), 'my-device-1');
});

/** The one line that `write` logs. */
function loggedBy(write: (logger: Logger) => void): string {
  const lines: string[] = [];
  write(createLogger({ name: 't', level: 'info', destination: { write: (line) => lines.push(line) } }));
  assert.equal(lines.length, 1);
  return lines[0] ?? '';
}

test('a logged error keeps its code and causes, and no whole number or other field', () => {
  const cause = Object.assign(new Error('no session for 6281234567890:1'), { key: 'secret' });
  const line = loggedBy((logger) => logger.warn({ err: new Error('refused', { cause }) }, 'message failed'));
  assert.match(line, /"message":"refused"/);
  assert.match(line, /no session for …7890:1/);
  assert.doesNotMatch(line, /6281234567890|secret/);
});

test('an error under the key of other libraries is written the same way, and an object that is none says nothing', () => {
  const error = Object.assign(new Error('WRONGPASS'), { command: { name: 'hello', args: ['AUTH', 'secret'] } });
  for (const line of [
    loggedBy((logger) => logger.warn({ error }, 'refused')),
    loggedBy((logger) => logger.child({ error }).warn('refused')),
  ]) {
    assert.match(line, /"message":"WRONGPASS"/);
    assert.doesNotMatch(line, /secret|AUTH/);
  }
  assert.doesNotMatch(
    loggedBy((logger) => logger.warn({ err: ['secret'] }, 'refused')),
    /secret/,
  );
});

test('of several errors together each is logged, and an error that is its own cause ends', () => {
  const circular = new Error('round');
  circular.cause = circular;
  const line = loggedBy((logger) => logger.warn({ err: new AggregateError([new Error('first'), circular]) }, 'failed'));
  assert.match(line, /"message":"first"/);
  assert.match(line, /"message":"round"/);
});
