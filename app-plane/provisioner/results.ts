import { type EventName, envelope } from '../../core/events/events.ts';
import type { TenantSpec } from '../../core/plan/resources.ts';
import type { RandomBytes } from '../../core/ports/clock.ts';
import type { Envelope } from '../../core/ports/event-bus.ts';
import type { RealmConfig } from '../../core/ports/identity.ts';
import type { Place } from '../../core/ports/places.ts';
import type { JsonObject } from '../../core/ports/table.ts';
import type { Step } from '../../core/progress/step.ts';
import { newId } from '../../core/tenant/ids.ts';
import type { RegistrationStatus } from '../../core/tenant/lifecycle.ts';

/** The tenant that a result is about, and the steps of the work. */
export interface Outcome {
  readonly tenantId: string;
  readonly registrationId: string;
  readonly steps: readonly Step[];
}

/** What billing needs to know of a tenant. */
export type Customer = Pick<TenantSpec, 'name' | 'email' | 'prices'>;

/** The events that report the outcome to the control plane; `jobOutput` is the body of SBT's PATCH. */
export interface Results {
  /** `config`: what a client needs to sign in. `place`: where the tenant lives; a load balancer has a path of its own. */
  provisioned(outcome: Outcome, tenant: Customer, config: RealmConfig, place: Pick<Place, 'shard'>): Envelope;
  provisionFailed(outcome: Outcome, reason: string): Envelope;
  deprovisioned(outcome: Outcome): Envelope;
  deprovisionFailed(outcome: Outcome, reason: string): Envelope;
}

/**
 * Creates the results of tenants whose API is at `apiUrl`, without a slash at its end.
 *
 * `provisionSuccess` also carries `tenantName`, `email` and, where they were registered, `prices`, at the places where
 * billing reads them: beside the tenant's id, as SBT's own billing targets do, and in `jobOutput.tenantData`, where SBT's
 * provisioning scripts put them. `prices` are only beside the id: the control plane stores all other data of `jobOutput`,
 * and a result that is sent again would undo a later change of the prices.
 */
export function createResults(now: () => number, random: RandomBytes, apiUrl: string): Results {
  const result = (
    name: EventName,
    { tenantId, registrationId, steps }: Outcome,
    status: RegistrationStatus,
    { reason, ...tenantData }: { readonly reason?: string } & JsonObject,
    customer: JsonObject = {},
  ): Envelope => {
    const cause: JsonObject = reason === undefined ? {} : { reason };
    const detail: JsonObject = {
      ...customer,
      tenantRegistrationId: registrationId,
      tenantId,
      jobOutput: {
        tenantRegistrationData: { registrationStatus: status, ...cause },
        tenantData: { ...tenantData, tenantStatus: status, ...cause, steps: steps.map((step) => ({ ...step })) },
      },
    };
    return envelope(newId(now(), random), name, detail, now());
  };
  return {
    provisioned: (outcome, { name: tenantName, email, prices }, { issuer, clientId, userPoolId }, { shard }) => {
      const url = shard === undefined ? apiUrl : `${apiUrl}/s${shard.number}`;
      const tenantConfig = JSON.stringify({
        authServer: issuer,
        clientId,
        wellKnownEndpointUrl: `${issuer}/.well-known/openid-configuration`,
        apiUrl: url,
        tenantName,
        // Clients written for AWS's ECS reference architecture read these keys.
        ...(userPoolId !== undefined && { userPoolId, appClientId: clientId, apiGatewayUrl: url }),
      });
      const customer = { tenantName, email };
      const more = prices === undefined ? {} : { prices };
      return result('provisionSuccess', outcome, 'created', { ...customer, tenantConfig }, { ...customer, ...more });
    },
    provisionFailed: (outcome, reason) => result('provisionFailure', outcome, 'failed', { reason }),
    deprovisioned: (outcome) => result('deprovisionSuccess', outcome, 'deleted', {}),
    deprovisionFailed: (outcome, reason) => result('deprovisionFailure', outcome, 'failed', { reason }),
  };
}
