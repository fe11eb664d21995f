import type { ClusterId, ServiceKey } from '../../../core/ports/runtime.ts';
import { SCOPES } from '../http/http.ts';
import { type Access, type Route, route } from '../http/route.ts';
import { deadLetterPage, restart, scale, serviceList } from '../http/schemas.ts';
import { listDeadLetters, replayDeadLetter } from './dead-letters.ts';

const READ: Access = { kind: 'user', scope: SCOPES.tenantRead, writes: false };
const WRITE: Access = { kind: 'user', scope: SCOPES.tenantWrite, writes: true };

function keyOf(given: { cluster: string; tenantId: string | null; service: string }): ServiceKey {
  return { cluster: given.cluster as ClusterId, tenantId: given.tenantId, service: given.service };
}

export const OPERATOR_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/operator/status',
    access: READ,
    tag: 'Operation',
    summary: 'What holds for the whole platform',
    answer: { status: 200, description: 'Facts, by name.' },
    async handle(_call, { operator }) {
      const [status, clusters] = await Promise.all([operator.status(), operator.runtime.clusters()]);
      return { status: 200, body: { data: { ...status, clusters } } };
    },
  }),
  route({
    method: 'GET',
    path: '/operator/tiers',
    access: READ,
    tag: 'Operation',
    summary: 'The tier table in force: isolation, usage plan and task size of each tier',
    answer: { status: 200, description: 'Tiers by name.' },
    handle: (_call, { operator }) => ({ status: 200, body: { data: operator.tiers } }),
  }),
  route({
    method: 'GET',
    path: '/operator/services',
    access: READ,
    tag: 'Operation',
    summary: 'Every microservice with its tasks',
    query: serviceList,
    answer: { status: 200, description: 'All of them.' },
    async handle({ query }, { operator }) {
      const data = await operator.runtime.services({
        ...(query.cluster !== undefined && { cluster: query.cluster as ClusterId }),
        ...(query.tenantId !== undefined && { tenantId: query.tenantId }),
      });
      return { status: 200, body: { data } };
    },
  }),
  route({
    method: 'POST',
    path: '/operator/services/restart',
    access: WRITE,
    tag: 'Operation',
    summary: "Replace a service's tasks one by one; no request fails",
    body: restart,
    answer: { status: 200, description: 'All tasks are new and healthy.' },
    async handle({ body }, { operator }) {
      await operator.runtime.restartService(keyOf(body));
      return { status: 200, body: { message: 'Service restarted' } };
    },
  }),
  route({
    method: 'POST',
    path: '/operator/services/scale',
    access: WRITE,
    tag: 'Operation',
    summary: 'Set how many tasks a service has, within its tier',
    body: scale,
    answer: { status: 200, description: 'Kept, also over restarts.' },
    async handle({ body }, { operator }) {
      await operator.runtime.scaleService(keyOf(body), body.desired);
      return { status: 200, body: { message: 'Service scaled' } };
    },
  }),
  route({
    method: 'GET',
    path: '/operator/dead-letters',
    access: READ,
    tag: 'Operation',
    summary: 'Events given up after their last attempt, and events that fit no schema and were never sent (outbox)',
    query: deadLetterPage,
    answer: { status: 200, description: 'One page.' },
    async handle({ query }, { operator: { bus }, table }) {
      const { limit, next_token: after, consumer } = query;
      const { items, next } = await listDeadLetters({ table, bus }, { limit, after, consumer });
      return { status: 200, body: { data: items, ...(next !== undefined && { next_token: next }) } };
    },
  }),
  route({
    method: 'POST',
    path: '/operator/dead-letters/{id}/replay',
    access: WRITE,
    tag: 'Operation',
    summary: 'Deliver a dead letter again, its attempts counted from zero',
    answer: { status: 200, description: 'Queued.' },
    async handle({ params }, { operator: { bus }, table }) {
      await replayDeadLetter({ table, bus }, params.id ?? '');
      return { status: 200, body: { message: 'Dead letter queued again' } };
    },
  }),
];
