import { SCOPES } from '../../../core/identity/issuers.ts';
import type { AppPlaneDeps } from '../http/deps.ts';
import { appPlaneOperation, canRead, canWrite, done, type OperationOf, refusal } from '../http/operation.ts';
import { ServiceList, ServiceQuery, ServiceRestart, ServiceScale } from './schemas.ts';

const READ = canRead(SCOPES.tenantRead);
const WRITE = canWrite(SCOPES.tenantWrite);
const NO_SERVICE = refusal('No such service runs.');

export const SERVICE_OPERATIONS: readonly OperationOf<AppPlaneDeps>[] = [
  appPlaneOperation({
    id: 'listServices',
    method: 'GET',
    path: '/operator/services',
    access: READ,
    tag: 'Operation',
    summary: 'List all services with their tasks',
    query: ServiceQuery,
    responses: { 200: { description: 'All services that match.', body: ServiceList } },
    async handle({ query }, { compute }) {
      const data = await compute.runtime.services({
        ...(query.cluster !== undefined && { cluster: query.cluster }),
        ...(query.tenantId !== undefined && { tenantId: query.tenantId }),
      });
      return { status: 200, body: { data } };
    },
  }),
  appPlaneOperation({
    id: 'restartService',
    method: 'POST',
    path: '/operator/services/restart',
    access: WRITE,
    tag: 'Operation',
    summary: "Replace a service's tasks one by one; no request fails",
    body: ServiceRestart,
    responses: { 200: done('All tasks are new and healthy or, on AWS, their replacement has begun.'), 404: NO_SERVICE },
    async handle({ body }, { compute }) {
      await compute.runtime.restartService(body);
      return { status: 200, body: { message: 'Service restarted' } };
    },
  }),
  appPlaneOperation({
    id: 'scaleService',
    method: 'POST',
    path: '/operator/services/scale',
    access: WRITE,
    tag: 'Operation',
    summary: 'Set the number of tasks of a service, within the limits of its tier',
    body: ServiceScale,
    responses: {
      200: done('The number is set; it survives restarts. On AWS, the change of the tasks has begun.'),
      404: NO_SERVICE,
    },
    async handle({ body: { desired, ...key } }, { compute }) {
      await compute.runtime.scaleService(key, desired);
      return { status: 200, body: { message: 'Service scaled' } };
    },
  }),
];
