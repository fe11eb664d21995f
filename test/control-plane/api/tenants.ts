import { resultsConsumer } from '../../../control-plane/api/tenants/results-consumer.ts';
import { type EventName, envelope } from '../../../core/events/events.ts';
import type { Consumer, Envelope } from '../../../core/ports/event-bus.ts';
import type { TenantState } from '../../../core/tenant/lifecycle.ts';
import type { Body, Home, Reply } from './home.ts';

export interface Ids {
  readonly tenantId: string;
  readonly tenantRegistrationId: string;
}

/** The sign-in configuration that the application plane reports for a tenant. */
export const CONFIG = '{"authServer":"https://issuer","clientId":"tierplane-app"}';

const STATUS = {
  provisionSuccess: 'created',
  provisionFailure: 'failed',
  deprovisionSuccess: 'deleted',
  deprovisionFailure: 'failed',
} as const;
export type Result = keyof typeof STATUS;

/** What tests do with tenants: requests to the control plane, and results in the place of an application plane. */
export interface Tenants {
  readonly consumer: Consumer;
  /** A result that the application plane would send. */
  result(name: Result, ids: Ids, tenantData?: Body): Envelope;
  /** Hands such a result to the control plane. */
  report(name: Result, ids: Ids, tenantData?: Body): Promise<void>;
  get(ids: Ids): Promise<Body>;
  stateOf(ids: Ids): Promise<TenantState>;
  remove(ids: Ids): Promise<Reply>;
  retry(ids: Ids): Promise<Reply>;
  lastEvent(): Promise<Envelope | undefined>;
}

export function tenantsOf(home: Home): Tenants {
  const consumer = resultsConsumer({ ...home.deps, bus: home.bus });
  let count = 0;
  const result = (name: Result, ids: Ids, tenantData: Body = {}): Envelope => {
    const status = STATUS[name];
    const detail = {
      ...ids,
      jobOutput: {
        tenantRegistrationData: { registrationStatus: status },
        tenantData: { tenantStatus: status, ...tenantData },
      },
    };
    return envelope(`event-${++count}`, name satisfies EventName, detail, home.deps.clock.now());
  };
  const get = async ({ tenantId }: Ids): Promise<Body> => (await home.call('GET', `/tenants/${tenantId}`)).body.data;
  return {
    consumer,
    result,
    report: (...event) => consumer.handle(result(...event)),
    get,
    stateOf: async (ids) => (await get(ids)).state,
    remove: ({ tenantRegistrationId }) => home.call('DELETE', `/tenant-registrations/${tenantRegistrationId}`),
    retry: ({ tenantRegistrationId }) => home.call('POST', `/tenant-registrations/${tenantRegistrationId}/retry`),
    lastEvent: async () => (await home.outbox()).at(-1),
  };
}
