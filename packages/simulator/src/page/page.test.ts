import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyMessageContent, generateMessageIDV2, type WAMessage } from '@whiskeysockets/baileys';
import type { Page } from 'playwright-core';
import { toBuffer as toQrPicture } from 'qrcode';
import sharp from 'sharp';
import { connectClient, createClientAuth, until, waitForUpdate } from '../baileys-client.fixture.ts';
import { startLinkedClient } from '../linked-client.fixture.ts';
import { startSimulator } from '../simulator.ts';
import { openPage } from './browser.fixture.ts';

/** The size in pixels of the first picture that matches, once the browser has decoded it. An expression in text, for the
 * compiler has no DOM types here. */
function decodedSize(page: Page, selector: string): Promise<number[]> {
  return page.evaluate(`(async () => {
    const image = document.querySelector(${JSON.stringify(selector)});
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  })()`);
}

async function picture(width = 320, height = 240): Promise<AnyMessageContent & { caption?: string }> {
  const image = await sharp({ create: { width, height, channels: 3, background: '#2f7f6b' } })
    .jpeg()
    .toBuffer();
  const thumbnail = await sharp(image).resize(32).jpeg().toBuffer();
  return { image, jpegThumbnail: thumbnail.toString('base64'), width, height, mimetype: 'image/jpeg' };
}

test('a picture appears on the phone while the page is open, and can be marked read', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t, { controlPort: 0 });
  const page = await openPage(t, simulator.controlUrl);
  const screen = page.locator(`[data-number="${friend.number}"]`);
  await screen.getByText('Nothing received yet').waitFor();
  await socket.sendMessage(friend.jid, { ...(await picture()), caption: 'Green <b>wall</b>' });

  await screen.getByText('Green <b>wall</b>').waitFor();
  const image = screen.locator('.picture img');
  assert.deepEqual(await decodedSize(page, `[data-number="${friend.number}"] .picture img`), [320, 240]);
  await screen.getByText('✓✓ Delivered').waitFor();
  await screen.getByRole('button', { name: 'Mark read' }).click();
  await screen.getByText('✓✓ Read').waitFor();
  assert.equal(await screen.getByRole('button', { name: 'Mark read' }).count(), 0);

  await image.click();
  const viewer = page.getByRole('dialog', { name: 'Picture' });
  await viewer.getByText('Green <b>wall</b>').waitFor();
  await viewer.getByRole('button', { name: 'Close' }).click();
  await viewer.waitFor({ state: 'hidden' });
});

test('marks of a message are shown: forwarded, disappearing, quoted, group and sender', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t, { controlPort: 0 });
  const group = simulator.addGroup({ subject: 'Weekend market', members: [own.number, friend.number] });
  const quoted = (await socket.sendMessage(friend.jid, { text: 'What does it look like?' })) as WAMessage;
  const contextInfo = { isForwarded: true, forwardingScore: 1 };
  await socket.sendMessage(friend.jid, { ...(await picture()), contextInfo }, { ephemeralExpiration: 604_800 });
  await socket.sendMessage(friend.jid, { ...(await picture()), caption: 'Like this' }, { quoted });
  await socket.sendMessage(group.jid, { ...(await picture()), caption: 'For all' });

  const page = await openPage(t, simulator.controlUrl);
  const screen = page.locator(`[data-number="${friend.number}"]`);
  await screen.getByText('For all').waitFor();
  await screen.getByText('↪ Forwarded').waitFor();
  await screen.getByText('Disappears after 7 days').waitFor();
  const reply = screen.locator('.bubble', { hasText: 'Like this' }).locator('.quoted');
  assert.equal(await reply.innerText(), 'Own\nWhat does it look like?');
  assert.equal(await screen.locator('.bubble', { hasText: 'For all' }).locator('.sender').innerText(), 'Own');
  assert.deepEqual(await screen.locator('.chat').allInnerTexts(), ['Own', 'Weekend market']);
});

test('a view-once picture is hidden until it is tapped, shown once, and gone after a reload too', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t, { controlPort: 0 });
  const id = generateMessageIDV2(socket.user?.id);
  await socket.sendMessage(
    friend.jid,
    { ...(await picture()), viewOnce: true },
    {
      messageId: id,
    },
  );
  const page = await openPage(t, simulator.controlUrl);
  const screen = page.locator(`[data-number="${friend.number}"]`);
  const button = screen.getByRole('button', { name: /view once/ });
  await button.waitFor();
  assert.equal(await screen.locator('img').count(), 0);
  await button.click();
  const viewer = page.getByRole('dialog', { name: 'Picture' });
  assert.deepEqual(await decodedSize(page, '#viewer-picture'), [320, 240]);
  await viewer.getByRole('button', { name: 'Close' }).click();
  await page.locator('#viewer-picture:not([src])').waitFor({ state: 'attached' });
  await friend.waitFor((message) => message.receipt === 'read');
  await page.reload();
  const opened = screen.getByRole('button', { name: 'Opened' });
  await opened.waitFor();
  assert.ok(await opened.isDisabled());
});

test('a dropped picture of a QR links the client that shows it', async (t) => {
  const simulator = await startSimulator({ controlPort: 0 });
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001', name: 'Own' });
  const client = connectClient(simulator, createClientAuth());
  t.after(() => client.end(undefined));
  const { qr = '' } = await waitForUpdate(client, (update) => update.qr !== undefined);
  const page = await openPage(t, simulator.controlUrl);
  await page.getByRole('button', { name: 'Link a device' }).click();
  const blank = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#ffffff' } })
    .png()
    .toBuffer();
  await page.locator('#qr-picture').setInputFiles({ name: 'blank.png', mimeType: 'image/png', buffer: blank });
  await page.getByText('No QR could be read in this picture.').waitFor();
  await page
    .locator('#qr-picture')
    .setInputFiles({ name: 'qr.png', mimeType: 'image/png', buffer: await toQrPicture(qr) });
  await until(() => phone.linked().length > 0);
  const [device = ''] = phone.linked();
  await page.getByText(`Linked ${device}`).waitFor();
  await page.getByText('1 linked device').waitFor();
});

test('a pairing code links the client that asked for it, a wrong one says why not', async (t) => {
  const simulator = await startSimulator({ controlPort: 0 });
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001', name: 'Own' });
  const client = connectClient(simulator, createClientAuth());
  t.after(() => client.end(undefined));
  await waitForUpdate(client, (update) => update.qr !== undefined);
  const code = await client.requestPairingCode(phone.number);
  const page = await openPage(t, simulator.controlUrl);
  await page.getByRole('button', { name: 'Link a device' }).click();
  await page.getByLabel('Pairing code').fill('ZZZZ');
  await page.getByRole('button', { name: 'Link', exact: true }).last().click();
  await page.getByText('expected 8 characters').waitFor();
  await page.getByLabel('Pairing code').fill(code);
  await page.getByLabel('Pairing code').press('Enter');
  await page.getByText(/^Linked 6281100000001:/).waitFor();
  assert.equal(phone.linked().length, 1);
});

test('a phone added on the page appears on it, a wrong number is explained', async (t) => {
  const simulator = await startSimulator({ controlPort: 0 });
  t.after(() => simulator.stop());
  const page = await openPage(t, simulator.controlUrl);
  await page.getByText('No phone yet').waitFor();
  await page.getByRole('button', { name: 'Add phone' }).click();
  await page.getByLabel('Number').fill('0812');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('expected 7 to 15 digits').waitFor();
  await page.getByLabel('Number').fill('+62 812-3456-789');
  await page.getByLabel('Name').fill('Sari');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('heading', { name: 'Sari' }).waitFor();
  assert.equal(simulator.phone('628123456789')?.name, 'Sari');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`at a phone's width in ${colorScheme} nothing is wider than the screen`, async (t) => {
    const simulator = await startSimulator({ controlPort: 0 });
    t.after(() => simulator.stop());
    simulator.addPhone({ number: '6281100000001', name: 'A very long name that does not fit on a narrow screen' });
    simulator.addPhone({ number: '6281100000002' });
    const page = await openPage(t, simulator.controlUrl, { width: 360, height: 740, colorScheme });
    await page.getByText('Nothing received yet').first().waitFor();
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    assert.equal(background, colorScheme === 'light' ? 'rgb(233, 237, 240)' : 'rgb(13, 19, 22)');
  });
}
