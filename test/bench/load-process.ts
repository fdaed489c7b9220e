import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { startImageServer } from '../support/image-server.ts';
import { answerQuestions } from './child-program.ts';
import { numberPicture } from './numbered-picture.ts';
import { type LoadShape, runLoad } from './run-load.ts';

/** What to send through a gateway. */
export interface GatewayLoad extends LoadShape {
  url: string;
  /** In turn, both. */
  devices: string[];
  recipients: string[];
  picture: string;
  /** The first one's number; absent: the same picture for all. */
  firstNumber?: number | undefined;
  source: 'upload' | 'url';
  fields: Record<string, string>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const images = await startImageServer();
const boundary = randomBytes(12).toString('hex');

answerQuestions(async (load: GatewayLoad) => {
  const picture = readFileSync(load.picture);
  const { firstNumber } = load;
  const pictureOf = (index: number) =>
    firstNumber === undefined ? picture : numberPicture(picture, firstNumber + index);
  return await runLoad(load, async (index) => {
    const device = load.devices[index % load.devices.length] ?? '';
    const phone = load.recipients[index % load.recipients.length] ?? '';
    const fields = { phone, caption: `number ${index}`, ...load.fields };
    if (load.source === 'upload') return await post(load.url, device, multipart(fields, pictureOf(index)));
    const image_url = images.serve(`/${index % 512}.jpg`, pictureOf(index));
    return await post(load.url, device, {
      type: 'application/json',
      parts: [JSON.stringify({ ...fields, image_url })],
    });
  });
});

interface Body {
  type: string;
  parts: (string | Buffer)[];
}

function multipart(fields: Record<string, string>, image: Buffer): Body {
  const head = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const file = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
  const parts = [head.join('') + file, image, `\r\n--${boundary}--\r\n`];
  return { type: `multipart/form-data; boundary=${boundary}`, parts };
}

async function post(url: string, device: string, { type, parts }: Body): Promise<void> {
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  const headers = { 'X-Device-Id': device, 'Content-Type': type, 'Content-Length': length, Prefer: 'wait=120' };
  const outgoing = request(`${url}/send/image`, { method: 'POST', agent, headers });
  const answered = once(outgoing, 'response');
  for (const part of parts) outgoing.write(part);
  outgoing.end();
  const [response] = (await answered) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${text.slice(0, 300)}`);
}
