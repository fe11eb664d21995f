import { decodePageToken, encodePageToken } from '../../../core/http/page-token.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import {
  BAD_PAGE_TOKEN,
  type ControlPlaneOperation,
  canRead,
  canWrite,
  done,
  operation,
  refusal,
} from '../http/operation.ts';
import { listDeadLetters, replayDeadLetter } from './dead-letters.ts';
import { DeadLetterList, DeadLetterQuery, PlatformStatusResponse, TierTable } from './schemas.ts';

const READ = canRead(SCOPES.tenantRead);
const WRITE = canWrite(SCOPES.tenantWrite);

export const OPERATOR_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'getPlatformStatus',
    method: 'GET',
    path: '/operator/status',
    access: READ,
    tag: 'Operation',
    summary: 'Get facts about the whole platform',
    responses: { 200: { description: 'The facts.', body: PlatformStatusResponse } },
    handle: async (_call, { operator }) => ({ status: 200, body: { data: await operator.status() } }),
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
    id: 'listDeadLetters',
    method: 'GET',
    path: '/operator/dead-letters',
    access: READ,
    tag: 'Operation',
    summary: 'List events whose delivery failed for good, then events that match no schema and were never published',
    query: DeadLetterQuery,
    responses: { 200: { description: 'One page.', body: DeadLetterList }, 400: BAD_PAGE_TOKEN },
    async handle({ query }, { operator: { bus }, table }) {
      const { limit, consumer } = query;
      const list = `dead letters of ${consumer ?? 'all consumers'}`;
      const after = decodePageToken(list, query.next_token);
      const { items, next } = await listDeadLetters({ table, bus }, { limit, after, consumer });
      const more = next === undefined ? {} : { next_token: encodePageToken(list, next) };
      return { status: 200, body: { data: items, ...more } };
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
