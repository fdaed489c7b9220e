import type { RequestHandler } from 'express';

const METHODS = 'GET, HEAD, POST, PATCH, DELETE';
const HEADERS = 'Authorization, Content-Type, Idempotency-Key, Prefer, X-Api-Key, X-Device-Id, X-Request-Id';
const EXPOSED =
  'Idempotency-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';
const MAX_AGE_SECONDS = '600';

/**
 * Lets pages of these origins (`*`: of all) ask with a key and read the answers. Cookies never travel with such requests,
 * and what a browser proves by itself stays bound to our own origin.
 */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins);
  return (request, response, next) => {
    const origin = request.get('origin');
    if (allowed.size > 0) response.vary('Origin');
    if (origin === undefined || !(allowed.has(origin) || allowed.has('*'))) return next();
    response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED });
    if (request.method !== 'OPTIONS' || request.get('access-control-request-method') === undefined) return next();
    response.set({ 'Access-Control-Allow-Methods': METHODS, 'Access-Control-Allow-Headers': HEADERS });
    response.status(204).set('Access-Control-Max-Age', MAX_AGE_SECONDS).end();
  };
}
