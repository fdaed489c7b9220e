import { samplePng } from './sample-png.ts';

export interface Answer {
  status: number;
  headers: Headers;
  body: { code: string; message: string; results?: Record<string, unknown> };
}

/** Fields of a multipart form; a Buffer is sent as a file. A list repeats the field. */
export type FormFields = Record<string, string | Buffer | string[] | undefined>;

export const PHONE = '628123456789@s.whatsapp.net';

export function toForm(fields: FormFields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (Buffer.isBuffer(value)) form.append(name, new Blob([new Uint8Array(value)]), 'photo.png');
    else for (const item of [value].flat()) form.append(name, item);
  }
  return form;
}

export async function toAnswer(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

/** POSTs a form to /send/image: a valid one, with the given fields added, replaced or (undefined) left out. */
export async function sendForm(
  url: string,
  fields: FormFields = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = toForm({ phone: PHONE, image: samplePng(), ...fields });
  return toAnswer(await fetch(`${url}/send/image`, { method: 'POST', headers, body }));
}

/** POSTs text (or the bytes of one) to /send/image, by default a JSON object. */
export async function sendText(
  url: string,
  body: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return toAnswer(await fetch(`${url}/send/image`, { method: 'POST', headers, body: text }));
}
