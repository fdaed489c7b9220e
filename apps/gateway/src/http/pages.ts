import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';

const PUBLIC = fileURLToPath(new URL('../../public', import.meta.url));

/** The pages: static files, when this installation has them. They hold no secrets and need no key; what they call does. */
export function createPages(directory: string = PUBLIC): RequestHandler {
  if (!existsSync(directory)) return (_request, _response, next) => next();
  return express.static(directory, { index: 'index.html', dotfiles: 'ignore', redirect: false, fallthrough: true });
}
