/** The gateway refused or failed: `code` and `status` as the API documents them, `message` for people. */
export class ApiError extends Error {
  name = 'ApiError';

  constructor(status, { code = '', message = '', results = {} }) {
    super([message, ...(results?.errors ?? []).map((error) => `${error.field}: ${error.message}`)].join(' · '));
    this.status = status;
    this.code = code;
  }
}

/** Calls the gateway; resolves with `results`, rejects with an ApiError. A plain object is sent as JSON. */
export async function call(method, path, body, headers = {}) {
  const isForm = body instanceof FormData;
  const response = await fetch(path, {
    method,
    headers: body && !isForm ? { 'Content-Type': 'application/json', ...headers } : headers,
    body: body && !isForm ? JSON.stringify(body) : body,
    credentials: 'same-origin',
  }).catch(() => {
    throw new ApiError(0, { message: 'The gateway cannot be reached' });
  });
  const answer = await response.json().catch(() => ({ message: `The gateway answered ${response.status}` }));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer.results;
}

/** The path of one device, or of something below it. */
export function devicePath(deviceId, below = '') {
  return `devices/${encodeURIComponent(deviceId)}${below}`;
}

/** The path of a command to one lane. */
export function lanePath(deviceId, command) {
  return `lanes/${encodeURIComponent(deviceId)}${command}`;
}
