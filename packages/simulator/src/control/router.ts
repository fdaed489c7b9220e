import { ControlError } from './control-error.ts';

export interface ControlRequest {
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The parsed JSON body; undefined without one. */
  body: unknown;
}

export type Reply = { status: number; json?: object } | { status: number; bytes: Buffer; contentType: string };

export interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  /** `/phones/:number`: a segment with a colon matches anything and is URL-decoded. */
  path: string;
  handle(request: ControlRequest): Reply | Promise<Reply>;
}

/** The route of a request with its parameters. Throws 404 for an unknown path, 405 for another method of a known one. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  pathname: string,
): { route: Route; params: Record<string, string> } {
  const allowed = new Set<string>();
  for (const route of routes) {
    const params = matchPath(route.path, pathname);
    if (!params) continue;
    if (route.method === method) return { route, params };
    allowed.add(route.method);
  }
  if (allowed.size === 0) throw new ControlError(404, `nothing is at ${pathname}`);
  const allow = [...allowed].join(', ');
  throw new ControlError(405, `${pathname} takes ${allow}, not ${method}`, { Allow: allow });
}

function matchPath(pattern: string, pathname: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = pathname.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? '';
    if (!segment.startsWith(':')) {
      if (segment !== value) return undefined;
    } else {
      params[segment.slice(1)] = decodeSegment(value);
    }
  }
  return params;
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ControlError(400, `"${text}" is not URL-encoded text`);
  }
}
