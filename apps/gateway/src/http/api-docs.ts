import { fileURLToPath } from 'node:url';
import type { Route } from './exchange.ts';
import { CONTENT_SECURITY_POLICY } from './pages.ts';

const PAGE = fileURLToPath(new URL('../../docs-page', import.meta.url));
const SWAGGER_UI = fileURLToPath(new URL('.', import.meta.resolve('swagger-ui-dist/package.json')));

/** What is served, and from which folder. */
const FILES: Readonly<Record<string, string>> = {
  '/docs': PAGE,
  '/docs/docs.js': PAGE,
  '/docs/docs.css': PAGE,
  '/docs/swagger-ui.css': SWAGGER_UI,
  '/docs/swagger-ui-bundle.js': SWAGGER_UI,
};

/** `/docs`: the description of the API as a page, by Swagger UI; everything comes from here. */
export function apiDocsRoutes(): Route[] {
  return Object.entries(FILES).map(
    ([path, root]): Route => ({
      method: 'get',
      path,
      access: 'public',
      handle: ({ response }) =>
        new Promise((resolve, reject) => {
          const name = path === '/docs' ? 'index.html' : path.slice('/docs/'.length);
          response.set({ 'Content-Security-Policy': CONTENT_SECURITY_POLICY, 'Referrer-Policy': 'no-referrer' });
          response.sendFile(name, { root }, (error: unknown) => (error ? reject(error) : resolve()));
        }),
    }),
  );
}
