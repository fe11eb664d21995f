import { defined } from '../../../core/defined.ts';
import { decodePageToken, encodePageToken } from '../../../core/http/page-token.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import type { TenantDeps } from '../http/deps.ts';
import {
  BAD_PAGE_TOKEN,
  canRead,
  canWrite,
  done,
  type OperationOf,
  refusal,
  tenantOperation,
} from '../http/operation.ts';
import { listDeadLetters, replayDeadLetter } from './dead-letters.ts';
import { DeadLetterList, DeadLetterQuery } from './schemas.ts';

export const DEAD_LETTER_OPERATIONS: readonly OperationOf<TenantDeps>[] = [
  tenantOperation({
    id: 'listDeadLetters',
    method: 'GET',
    path: '/operator/dead-letters',
    access: canRead(SCOPES.tenantRead),
    tag: 'Operation',
    summary: 'List events whose delivery failed for good, then events that match no schema and were never published',
    query: DeadLetterQuery,
    responses: { 200: { description: 'One page.', body: DeadLetterList }, 400: BAD_PAGE_TOKEN },
    async handle({ query }, { operator: { bus, outboxes }, table }) {
      const { limit, consumer } = query;
      const list = `dead letters of ${consumer ?? 'all consumers'}`;
      const after = decodePageToken(list, query.next_token);
      const { items, next } = await listDeadLetters(defined({ table, bus, outboxes }), { limit, after, consumer });
      const more = next === undefined ? {} : { next_token: encodePageToken(list, next) };
      return { status: 200, body: { data: items, ...more } };
    },
  }),
  tenantOperation({
    id: 'replayDeadLetter',
    method: 'POST',
    path: '/operator/dead-letters/{id}/replay',
    access: canWrite(SCOPES.tenantWrite),
    tag: 'Operation',
    summary: 'Deliver a dead letter again, with its attempts counted from zero',
    responses: { 200: done('The event is queued.'), 404: refusal('No dead letter has this id.') },
    async handle({ params }, { operator: { bus, outboxes }, table }) {
      await replayDeadLetter(defined({ table, bus, outboxes }), params.id);
      return { status: 200, body: { message: 'Dead letter queued again' } };
    },
  }),
];
