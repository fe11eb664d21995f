import { SCOPES } from '../../../core/identity/issuers.ts';
import { type ControlPlaneOperation, canRead, canWrite, done, operation, refusal } from '../http/operation.ts';
import { listDeadLetters, replayDeadLetter } from './dead-letters.ts';
import {
  DeadLetterList,
  DeadLetterQuery,
  PlatformStatusResponse,
  ServiceList,
  ServiceQuery,
  ServiceRestart,
  ServiceScale,
  TierTable,
} from './schemas.ts';

const READ = canRead(SCOPES.tenantRead);
const WRITE = canWrite(SCOPES.tenantWrite);
const NO_SERVICE = refusal('No such service runs.');

export const OPERATOR_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'getPlatformStatus',
    method: 'GET',
    path: '/operator/status',
    access: READ,
    tag: 'Operation',
    summary: 'Get facts about the whole platform',
    responses: { 200: { description: 'The facts.', body: PlatformStatusResponse } },
    async handle(_call, { operator }) {
      const [status, clusters] = await Promise.all([operator.status(), operator.runtime.clusters()]);
      return { status: 200, body: { data: { ...status, clusters } } };
    },
  }),
  operation({
    id: 'getTiers',
    method: 'GET',
    path: '/operator/tiers',
    access: READ,
    tag: 'Operation',
    summary: 'Get the tier table: isolation, usage plan and task size of each tier',
    responses: { 200: { description: 'Tiers by name.', body: TierTable } },
    handle: (_call, { operator }) => ({ status: 200, body: { data: operator.tiers } }),
  }),
  operation({
    id: 'listServices',
    method: 'GET',
    path: '/operator/services',
    access: READ,
    tag: 'Operation',
    summary: 'List all services with their tasks',
    query: ServiceQuery,
    responses: { 200: { description: 'All services that match.', body: ServiceList } },
    async handle({ query }, { operator }) {
      const data = await operator.runtime.services({
        ...(query.cluster !== undefined && { cluster: query.cluster }),
        ...(query.tenantId !== undefined && { tenantId: query.tenantId }),
      });
      return { status: 200, body: { data } };
    },
  }),
  operation({
    id: 'restartService',
    method: 'POST',
    path: '/operator/services/restart',
    access: WRITE,
    tag: 'Operation',
    summary: "Replace a service's tasks one by one; no request fails",
    body: ServiceRestart,
    responses: { 200: done('All tasks are new and healthy.'), 404: NO_SERVICE },
    async handle({ body }, { operator }) {
      await operator.runtime.restartService(body);
      return { status: 200, body: { message: 'Service restarted' } };
    },
  }),
  operation({
    id: 'scaleService',
    method: 'POST',
    path: '/operator/services/scale',
    access: WRITE,
    tag: 'Operation',
    summary: 'Set the number of tasks of a service, within the limits of its tier',
    body: ServiceScale,
    responses: { 200: done('The number is set; it survives restarts.'), 404: NO_SERVICE },
    async handle({ body: { desired, ...key } }, { operator }) {
      await operator.runtime.scaleService(key, desired);
      return { status: 200, body: { message: 'Service scaled' } };
    },
  }),
  operation({
    id: 'listDeadLetters',
    method: 'GET',
    path: '/operator/dead-letters',
    access: READ,
    tag: 'Operation',
    summary: 'List events whose delivery failed for good, then events that match no schema and were never published',
    query: DeadLetterQuery,
    responses: { 200: { description: 'One page.', body: DeadLetterList } },
    async handle({ query }, { operator: { bus }, table }) {
      const { limit, next_token: after, consumer } = query;
      const { items, next } = await listDeadLetters({ table, bus }, { limit, after, consumer });
      return { status: 200, body: { data: items, ...(next !== undefined && { next_token: next }) } };
    },
  }),
  operation({
    id: 'replayDeadLetter',
    method: 'POST',
    path: '/operator/dead-letters/{id}/replay',
    access: WRITE,
    tag: 'Operation',
    summary: 'Deliver a dead letter again, with its attempts counted from zero',
    responses: { 200: done('The event is queued.'), 404: refusal('No dead letter has this id.') },
    async handle({ params }, { operator: { bus }, table }) {
      await replayDeadLetter({ table, bus }, params.id);
      return { status: 200, body: { message: 'Dead letter queued again' } };
    },
  }),
];
