import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { createLogger } from '@postern/runtime';
import { connect, link, sendTo, startBench } from './linked-session.fixture.ts';

/** Everything written to the output of this process while `run` runs. */
async function captureOutput(t: TestContext, run: () => Promise<void>): Promise<string> {
  const written: string[] = [];
  const keep = (chunk: unknown) => {
    written.push(String(chunk));
    return true;
  };
  const mocks = [process.stdout, process.stderr].map((stream) => t.mock.method(stream, 'write', keep));
  try {
    await run();
  } finally {
    for (const { mock } of mocks) mock.restore();
  }
  return written.join('');
}

test('a run at trace level logs no caption, key, QR or whole number, and prints nothing', async (t) => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  let silenced = 0;
  const bench = await startBench(t, {
    logger: createLogger({ name: 'worker', level: 'trace', destination }),
    onConsoleSilenced: () => {
      silenced += 1;
    },
    ackTimeoutMs: 500,
  });
  const { simulator, redis, keys, own, friend } = bench;
  const caption = 'a caption that nobody may log';
  let qr = '';
  const printed = await captureOutput(t, async () => {
    const first = await link(bench);
    await sendTo(first.session, friend.number, { caption });
    await friend.send(own.number, { text: caption });
    simulator.faults.add({ kind: 'nack', error: 479 });
    await assert.rejects(sendTo(first.session, friend.number, { caption }));
    // Its receipt ends the wait.
    simulator.faults.add({ kind: 'drop_ack' });
    await sendTo(first.session, friend.lid, { caption });
    const { message } = await sendTo(first.session, friend.number, { caption });
    friend.requestRetry(message.messageId);
    await friend.waitFor(({ id, copies }) => id === message.messageId && copies > 1);
    await redis.set(keys.device('device-1').timers, 'not a hash');
    await friend.send(own.number, { text: caption, ephemeralSeconds: 86_400 });
    simulator.closeDevice(own.linked()[0] ?? '', 503);
    await first.until('closed');
    await connect(bench);
    const other = bench.open('device-2');
    ({ qr } = await other.until('qr'));
    await other.session.close();
  });

  const stored = await redis.hgetBuffer(keys.device('device-1').credentials, 'creds');
  const creds = JSON.parse(stored?.subarray(1).toString() ?? '');
  const secrets: [string, string][] = [
    ['caption', caption],
    ['own number', own.number],
    ["friend's number", friend.number],
    ["friend's LID", friend.lid.split('@')[0] ?? ''],
    ['noise key', creds.noiseKey.private.data],
    ['identity key', creds.signedIdentityKey.private.data],
    ['pre-key', creds.signedPreKey.keyPair.private.data],
    ['adv secret', creds.advSecretKey],
    ...qr.split(',').map((part): [string, string] => ['part of the QR', part]),
    ['private key', 'privKey'],
    ['session', 'Closing session'],
  ];
  const log = lines.join('');
  assert.ok(lines.length > 50, 'the log was written');
  for (const [name, secret] of secrets) {
    if (secret.length < 5) continue;
    assert.ok(!log.includes(secret), `the log holds the ${name}`);
    assert.ok(!printed.includes(secret), `the ${name} was printed`);
  }
  assert.ok(silenced > 0, 'libsignal tried to print');
});
