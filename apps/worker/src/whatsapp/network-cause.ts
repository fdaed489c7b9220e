const BROKE = 'the connection could not be opened or broke';

const CAUSES: Readonly<Record<string, string>> = {
  ENOTFOUND: "WhatsApp's name was not found: no network, or a DNS server that does not know it",
  EAI_AGAIN: "WhatsApp's name could not be looked up: no network, or no DNS server answers",
  ECONNREFUSED: 'the connection was refused: a firewall or a wrong address',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to WhatsApp',
  EACCES: 'a firewall of this machine forbids the connection',
  EPERM: 'a firewall of this machine forbids the connection',
  ETIMEDOUT: 'the connection was not answered in time',
  ECONNRESET: 'the connection was reset: a firewall or proxy on the way, or the network changed',
  EPIPE: 'the connection broke',
  EPROTO: 'what answered does not speak TLS: a proxy or portal on the way',
};

/**
 * Why a WebSocket could not be opened or broke, for operators: in plain words, with the network's own code. `message` is the
 * error's text; `error` what the network reported, or nothing.
 */
export function describeNetworkCause(message: string, error: unknown): string {
  const code = networkCode(error) ?? /\b(E[A-Z_]{3,})\b/.exec(message)?.[1];
  if (code === undefined) return BROKE;
  return `${CAUSES[code] ?? describeTls(code) ?? BROKE} (${code})`;
}

/** What an HTTP status means that came instead of the WebSocket. */
export function describeRefusedUpgrade(status: number | undefined): string {
  if (status === 407) return 'a proxy asks for credentials (HTTP 407)';
  return `the connection was refused with HTTP ${status ?? 'status unknown'}: by a proxy or portal on the way, or by WhatsApp`;
}

function describeTls(code: string): string | undefined {
  if (/SSL|TLS_(?!CERT)/.test(code)) return CAUSES['EPROTO'];
  if (!/CERT|SIGNATURE|ISSUER/.test(code)) return undefined;
  return "the server's certificate is not trusted: a proxy that reads TLS, whose authority NODE_EXTRA_CA_CERTS must name";
}

/** Of several addresses that were tried, the last one's. */
function networkCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  const errors: unknown = Reflect.get(error, 'errors');
  return Array.isArray(errors) ? networkCode(errors.at(-1)) : undefined;
}
