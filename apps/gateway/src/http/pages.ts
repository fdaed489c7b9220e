import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';

const PUBLIC = fileURLToPath(new URL('../../public', import.meta.url));

/** The pages run their own files only, talk to this server only, and are shown in nobody's frame. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The pages: static files, when this installation has them. They hold no secrets and need no key; what they call does. */
export function createPages(directory: string = PUBLIC): RequestHandler {
  if (!existsSync(directory)) return (_request, _response, next) => next();
  return express.static(directory, {
    index: 'index.html',
    dotfiles: 'ignore',
    redirect: false,
    setHeaders(response) {
      response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      response.setHeader('Referrer-Policy', 'no-referrer');
    },
  });
}
