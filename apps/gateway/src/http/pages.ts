import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler, type Response } from 'express';

const PUBLIC = fileURLToPath(new URL('../../public', import.meta.url));

/** The pages load nothing from elsewhere, run no inline script, and are shown inside no other page. */
const SECURITY_HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** The pages: static files, when this installation has them. They hold no secrets and need no key; what they call does. */
export function createPages(directory: string = PUBLIC): RequestHandler {
  if (!existsSync(directory)) return (_request, _response, next) => next();
  const setHeaders = (response: Response) => response.set(SECURITY_HEADERS);
  return express.static(directory, {
    index: 'index.html',
    dotfiles: 'ignore',
    redirect: false,
    fallthrough: true,
    setHeaders,
  });
}
