import type { Access, Route } from '../http/route.ts';
import { route } from '../http/route.ts';

const PUBLIC: Access = { kind: 'public' };

export const HEALTH_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    access: PUBLIC,
    tag: 'Health',
    summary: 'Whether the process answers',
    answer: { status: 200, description: 'It does.' },
    handle: () => ({ status: 200, body: { status: 'ok' } }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    access: PUBLIC,
    tag: 'Health',
    summary: 'Whether the store answers, too',
    answer: { status: 200, description: 'It does; 503 otherwise.' },
    async handle(_call, { table, log }) {
      try {
        await table.get({ pk: 'readiness', sk: 'probe' });
        return { status: 200, body: { status: 'ready' } };
      } catch (error) {
        log.warn({ err: error }, 'the store does not answer');
        return { status: 503, body: { status: 'unavailable' } };
      }
    },
  }),
];
