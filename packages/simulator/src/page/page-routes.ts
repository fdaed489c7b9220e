import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Route } from '../control/router.ts';

/** Relative to the package, so that the built code finds the files too: the compiler copies only TypeScript. */
const PAGE = new URL('../../src/page/', import.meta.url);

const SCRIPTS = [
  'api.js',
  'bubble.js',
  'element.js',
  'link-dialog.js',
  'new-phone-dialog.js',
  'page.js',
  'phone-screen.js',
  'qr-picture.js',
  'view-once.js',
  'viewer.js',
];
const STYLES = ['page.css', 'phone.css', 'bubble.css', 'dialog.css'];
const SCRIPT_TYPE = 'text/javascript; charset=utf-8';

/** The phones' page: static files, and the QR decoder it uses. */
export function createPageRoutes(): Route[] {
  return [
    toRoute('/', new URL('index.html', PAGE), 'text/html; charset=utf-8'),
    ...STYLES.map((name) => toRoute(`/${name}`, new URL(name, PAGE), 'text/css; charset=utf-8')),
    ...SCRIPTS.map((name) => toRoute(`/${name}`, new URL(name, PAGE), SCRIPT_TYPE)),
    toRoute('/jsqr.js', new URL(import.meta.resolve('jsqr')), SCRIPT_TYPE),
  ];
}

function toRoute(path: string, file: URL, contentType: string): Route {
  return {
    method: 'GET',
    path,
    handle: async () => ({ status: 200, bytes: await readFile(fileURLToPath(file)), contentType }),
  };
}
