/** What a test asks of the control API: the status and the parsed JSON, or the bytes of a picture. */
export interface ControlAnswer {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
  bytes: Buffer;
}

/** Calls the control API below `url`; a body is sent as JSON. */
export async function control(
  url: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<ControlAnswer> {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type') === 'application/json';
  return {
    status: response.status,
    headers: response.headers,
    json: isJson ? JSON.parse(bytes.toString()) : {},
    bytes,
  };
}
