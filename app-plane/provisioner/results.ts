import { type EventName, envelope } from '../../core/events/events.ts';
import type { RandomBytes } from '../../core/ports/clock.ts';
import type { Envelope } from '../../core/ports/event-bus.ts';
import type { RealmConfig } from '../../core/ports/identity.ts';
import type { JsonObject } from '../../core/ports/table.ts';
import { newId } from '../../core/tenant/ids.ts';
import type { RegistrationStatus, Step } from '../../core/tenant/lifecycle.ts';

/** The tenant that a result is about, and the steps of the work. */
export interface Outcome {
  readonly tenantId: string;
  readonly registrationId: string;
  readonly steps: readonly Step[];
}

/** The events that report the outcome to the control plane; `jobOutput` is the body of SBT's PATCH. */
export interface Results {
  /** `config`: what a client needs to sign in. */
  provisioned(outcome: Outcome, tenantName: string, config: RealmConfig): Envelope;
  provisionFailed(outcome: Outcome, reason: string): Envelope;
  deprovisioned(outcome: Outcome): Envelope;
  deprovisionFailed(outcome: Outcome, reason: string): Envelope;
}

export function createResults(now: () => number, random: RandomBytes, publicUrl: string): Results {
  const result = (
    name: EventName,
    { tenantId, registrationId, steps }: Outcome,
    status: RegistrationStatus,
    { reason, ...tenantData }: { readonly tenantConfig?: string; readonly reason?: string },
  ): Envelope => {
    const cause: JsonObject = reason === undefined ? {} : { reason };
    const detail: JsonObject = {
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
    provisioned: (outcome, tenantName, { issuer, clientId }) => {
      const tenantConfig = JSON.stringify({
        authServer: issuer,
        clientId,
        wellKnownEndpointUrl: `${issuer}/.well-known/openid-configuration`,
        apiUrl: `${publicUrl}/api`,
        tenantName,
      });
      return result('provisionSuccess', outcome, 'created', { tenantConfig });
    },
    provisionFailed: (outcome, reason) => result('provisionFailure', outcome, 'failed', { reason }),
    deprovisioned: (outcome) => result('deprovisionSuccess', outcome, 'deleted', {}),
    deprovisionFailed: (outcome, reason) => result('deprovisionFailure', outcome, 'failed', { reason }),
  };
}
