import type { FaultBook } from '../faults/fault-book.ts';
import { faultSchema } from '../faults/fault-rule.ts';
import { ControlError, parseBody } from './control-error.ts';
import type { Route } from './router.ts';

/** The rule book of faults. */
export function createFaultRoutes(faults: FaultBook): Route[] {
  return [
    { method: 'GET', path: '/faults', handle: () => ({ status: 200, json: { faults: faults.list() } }) },
    {
      method: 'POST',
      path: '/faults',
      handle: ({ body }) => ({ status: 201, json: { id: addFault(faults, body) } }),
    },
    {
      method: 'DELETE',
      path: '/faults',
      handle: () => {
        faults.clear();
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: '/faults/:id',
      handle: ({ params }) => {
        if (!faults.remove(params['id'] ?? '')) throw new ControlError(404, `no fault rule ${params['id']}`);
        return { status: 204 };
      },
    },
  ];
}

function addFault(faults: FaultBook, body: unknown): string {
  const fault = parseBody(faultSchema, body);
  try {
    return faults.add(fault);
  } catch (error) {
    throw error instanceof RangeError ? new ControlError(409, error.message) : error;
  }
}
