import { fileURLToPath } from 'node:url';
import type { Readiness } from '@postern/runtime';
import type { Route } from './exchange.ts';
import { respond, succeed } from './respond.ts';

export interface OperationsParts {
  readiness: Readiness;
}

const OPENAPI = fileURLToPath(new URL('../../openapi.yaml', import.meta.url));

/** Health, readiness and the description of the API; none needs a key. */
export function operationsRoutes({ readiness }: OperationsParts): Route[] {
  return [
    {
      method: 'get',
      path: '/healthz',
      access: 'public',
      handle: ({ response }) => succeed(response, 'alive', {}),
    },
    {
      method: 'get',
      path: '/readyz',
      access: 'public',
      async handle({ response }) {
        const found = await readiness();
        if (found.length === 0) succeed(response, 'ready', {});
        else respond(response, 503, { code: 'NOT_READY', message: found.join('; ') });
      },
    },
    {
      method: 'get',
      path: '/openapi.yaml',
      access: 'public',
      handle: ({ response }) =>
        new Promise((resolve, reject) => {
          response.type('application/yaml').sendFile(OPENAPI, (error: unknown) => (error ? reject(error) : resolve()));
        }),
    },
  ];
}
