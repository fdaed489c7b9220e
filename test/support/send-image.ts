/** An answer of the API: the status, the envelope, and the headers that matter. */
export interface Answer {
  status: number;
  code: string;
  message: string;
  results: Record<string, unknown>;
  headers: Headers;
}

export interface SendImageFields {
  phone: string;
  image?: Buffer;
  /** Default: `photo.jpg`. */
  filename?: string;
  [field: string]: string | Buffer | undefined;
}

/** POST /send/image as multipart/form-data, like curl -F. */
export async function sendImage(
  url: string,
  deviceId: string,
  { image, filename = 'photo.jpg', ...fields }: SendImageFields,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value);
  }
  if (image) form.append('image', new Blob([new Uint8Array(image)]), filename);
  const response = await fetch(`${url}/send/image`, {
    method: 'POST',
    headers: { 'X-Device-Id': deviceId, ...headers },
    body: form,
  });
  return toAnswer(response);
}

/** POST /send/image as JSON. */
export async function sendImageJson(
  url: string,
  deviceId: string,
  fields: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}/send/image`, {
    method: 'POST',
    headers: { 'X-Device-Id': deviceId, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(fields),
  });
  return toAnswer(response);
}

export async function toAnswer(response: Response): Promise<Answer> {
  const body = (await response.json()) as Partial<Answer>;
  return {
    status: response.status,
    code: body.code ?? '',
    message: body.message ?? '',
    results: body.results ?? {},
    headers: response.headers,
  };
}
