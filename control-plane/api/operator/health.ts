import * as z from 'zod';
import { type ControlPlaneOperation, operation, PUBLIC } from '../http/operation.ts';

const Health = z.object({ status: z.enum(['ok', 'ready', 'unavailable']) }).meta({ id: 'Health' });

export const HEALTH_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'getHealth',
    method: 'GET',
    path: '/healthz',
    access: PUBLIC,
    tag: 'Health',
    summary: 'Whether the process responds',
    responses: { 200: { description: 'It does.', body: Health } },
    handle: () => ({ status: 200, body: { status: 'ok' } }),
  }),
  operation({
    id: 'getReadiness',
    method: 'GET',
    path: '/readyz',
    access: PUBLIC,
    tag: 'Health',
    summary: 'Whether the process and its store respond',
    responses: {
      200: { description: 'Both do.', body: Health },
      503: { description: 'The store does not respond.', body: Health },
    },
    async handle(_call, { table, log }) {
      try {
        await table.get({ pk: 'readiness', sk: 'probe' });
        return { status: 200, body: { status: 'ready' } };
      } catch (error) {
        log.warn({ err: error }, 'the store does not respond');
        return { status: 503, body: { status: 'unavailable' } };
      }
    },
  }),
];
