import { SCOPES } from '../../../core/identity/issuers.ts';
import { type ControlPlaneOperation, canRead, operation } from '../http/operation.ts';
import { PlatformStatusResponse, TierTable } from './schemas.ts';

const READ = canRead(SCOPES.tenantRead);

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
];
