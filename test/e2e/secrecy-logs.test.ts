import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '@postern/simulator';
import { request, untilConnection } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { readKeyMaterial } from '../support/secrets.ts';
import { sendImage, sendImageJson, toAnswer } from '../support/send-image.ts';
import { startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const API_KEY = 'k7Qw2ZtVb9Xs4Lm1';
const CAPTION = 'the vault opens at midnight';
const INBOUND = 'meet me behind the lighthouse';
const URL_TOKEN = 'tokenOfTheSignedUrl';
const OWN = '6281100000001';
const OWN_BY_CODE = '6281100000002';
const FRIEND = '6281234567890';
const NOBODY = '6289876543210';
const NOT_A_NUMBER = '08123456789';

const FAULTS: Fault[] = [
  { kind: 'nack', error: 479, to: FRIEND },
  { kind: 'nack', error: 463, to: FRIEND },
  { kind: 'drop_ack', to: FRIEND },
  { kind: 'iq_silence', xmlns: 'w:m' },
  { kind: 'iq_error', xmlns: 'usync', error: 500 },
  { kind: 'upload_refuse' },
  { kind: 'upload_reset' },
  { kind: 'close_before_ack', to: FRIEND },
  { kind: 'stream_error', code: 503, xmlns: 'w:m' },
];

for (const level of ['debug', 'trace']) {
  test(`the logs of level ${level} hold no caption, key, QR, pairing code, API key or whole number`, async () => {
    const env = { LOG_LEVEL: level };
    const bounds = { QUERY_TIMEOUT_MS: '500', ACK_TIMEOUT_MS: '500', SEND_ATTEMPTS: '2', SEND_BACKOFF_MS: '20' };
    const stack = await startStack({ gatewayEnv: env, workerEnv: { ...env, ...bounds } });
    try {
      const secrets = new Set([API_KEY, CAPTION, INBOUND, URL_TOKEN, OWN, OWN_BY_CODE, FRIEND, NOBODY, NOT_A_NUMBER]);
      const guarded = await stack.startGateway({ API_KEYS: `tester:${API_KEY}` });
      const url = `http://127.0.0.1:${String(guarded.ready['port'])}`;
      const image = await createPicture();

      // Pairing, by QR and by code.
      const own = stack.simulator.addPhone({ number: OWN });
      const ownByCode = stack.simulator.addPhone({ number: OWN_BY_CODE });
      await request(stack.url, 'POST', '/devices', { device_id: 'by-qr' });
      const { results } = await request(stack.url, 'GET', '/devices/by-qr/login');
      const { qr, qr_link: link } = results as { qr: string; qr_link: string };
      for (const part of [qr, ...qr.split(/[,#]/).filter((text) => text.length > 16)]) secrets.add(part);
      secrets.add(new URL(link).searchParams.get('signature') ?? '');
      await (await fetch(link)).arrayBuffer();
      await own.scan(qr);
      await untilConnection(stack.url, 'by-qr', 'connected');
      await request(stack.url, 'POST', '/devices', { device_id: 'by-code' });
      const paired = await request(stack.url, 'POST', `/devices/by-code/login/code?phone=${OWN_BY_CODE}`);
      const code = String(paired.results['pair_code']);
      for (const shown of [code, code.replace('-', '')]) secrets.add(shown);
      await ownByCode.linkByCode(code);
      await untilConnection(stack.url, 'by-code', 'connected');

      // Sends to a person, a LID, a group, nobody and nonsense; by key, with a wrong key, from a URL that holds a secret.
      const friend = stack.simulator.addPhone({ number: FRIEND, companions: 1 });
      for (const { lid } of [own, ownByCode, friend]) secrets.add(lid.replace(/@.*/, ''));
      const group = stack.simulator.addGroup({ subject: 'Group', members: [OWN, FRIEND] });
      secrets.add(group.jid.replace(/@.*/, ''));
      await friend.send(OWN, { text: INBOUND });
      let seeds = 0;
      const send = async (phone: string, more = {}) => {
        seeds += 1;
        const picture = await createPicture(seeds);
        return sendImage(stack.url, 'by-qr', { phone, image: picture, caption: CAPTION, mentions: FRIEND, ...more });
      };
      for (const phone of [FRIEND, friend.lid, group.jid]) assert.equal((await send(phone)).status, 200);
      assert.equal((await send(FRIEND, { view_once: 'true' })).status, 200);
      assert.equal((await send(NOBODY)).code, 'INVALID_JID');
      assert.equal((await send(NOT_A_NUMBER)).code, 'VALIDATION_ERROR');
      const byKey = { Authorization: `Bearer ${API_KEY}` };
      assert.equal((await sendImage(url, 'by-code', { phone: FRIEND, image, caption: CAPTION }, byKey)).status, 200);
      assert.equal((await sendImage(url, 'by-qr', { phone: FRIEND, image }, { 'X-Api-Key': 'wrong' })).status, 401);
      const imageUrl = `http://127.0.0.1:1/picture.jpg?token=${URL_TOKEN}`;
      const refused = await sendImageJson(stack.url, 'by-qr', { phone: FRIEND, image_url: imageUrl, caption: CAPTION });
      assert.equal(refused.code, 'IMAGE_DOWNLOAD_FAILED');

      // Faults, each met by a fresh socket that must ask for everything, and messages that cannot be read at first.
      for (const fault of FAULTS) {
        await request(stack.url, 'POST', '/devices/by-qr/reconnect');
        const rule = stack.simulator.faults.add(fault);
        await send(FRIEND);
        const hits = stack.simulator.faults.list().find(({ id }) => id === rule)?.hits;
        assert.equal(hits, 1, JSON.stringify(fault));
      }
      stack.simulator.faults.clear();
      for (const deviceId of [0, 1]) {
        friend.loseSession(own.linked()[0] ?? '', deviceId);
        const answer = await send(FRIEND);
        await waitUntil('every device has read it', () =>
          friend.received.some(({ id, decryptedBy }) => id === answer.results['message_id'] && decryptedBy === 2),
        );
      }

      // Redis stops answering for a moment; a device is unlinked, the other one logged out.
      for (const deviceId of ['by-qr', 'by-code']) {
        const keys = await readKeyMaterial(stack, deviceId);
        assert.ok(keys.size > 100);
        for (const key of keys) secrets.add(key);
      }
      process.kill(stack.redisServer.pid, 'SIGSTOP');
      const unavailable = await send(FRIEND).finally(() => process.kill(stack.redisServer.pid, 'SIGCONT'));
      assert.equal(unavailable.status, 503);
      await waitUntil('the gateway is ready', async () => (await fetch(`${stack.url}/readyz`)).ok);
      assert.equal((await toAnswer(await fetch(`${stack.url}/devices`))).status, 200);
      stack.simulator.unlink(own.linked()[0] ?? '');
      await untilConnection(stack.url, 'by-qr', 'logged_out');
      assert.equal((await request(stack.url, 'POST', '/devices/by-code/logout')).status, 200);
      for (const service of [stack.worker, stack.gateway, guarded]) await service.stop();

      for (const [name, service] of Object.entries({ worker: stack.worker, gateway: stack.gateway, guarded })) {
        const output = service.output();
        assert.ok(output.includes(`"level":"${name === 'worker' ? level : 'info'}"`), `${name} logged at ${level}`);
        for (const secret of secrets) {
          const at = output.indexOf(secret);
          assert.equal(at, -1, `${name} wrote “${secret}”: ${output.slice(Math.max(0, at - 400), at + 200)}`);
        }
        assert.doesNotMatch(output, /<Buffer |"type":"Buffer"|privKey|SessionEntry/);
      }
    } finally {
      await stack.stop();
    }
  });
}
