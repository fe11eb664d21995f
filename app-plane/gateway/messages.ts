import * as z from 'zod';
import type { ClusterId } from '../../core/ports/places.ts';
import { SERVICE_FAILURES } from '../../core/routing/registry.ts';
import { isClusterId } from '../../core/tenant/ids.ts';

/** A message from the platform to the gateway, over IPC. */
export const PlatformMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('endpoints'),
    services: z.array(
      z.object({
        cluster: z.custom<ClusterId>(isClusterId),
        tenantId: z.string().nullable(),
        service: z.string(),
        sockets: z.array(z.string()),
        failure: z.enum(SERVICE_FAILURES).exactOptional(),
      }),
    ),
  }),
  /** Asks for a `pong` once every earlier message is applied. */
  z.object({ type: z.literal('ping'), id: z.int() }),
  z.object({ type: z.literal('invalidate'), tenantId: z.string().optional(), subject: z.string().optional() }),
]);
export type PlatformMessage = z.infer<typeof PlatformMessage>;

/** A message from the gateway to the platform. The gateway exits after `error`. */
export type GatewayMessage =
  /** `quotaProblem`: why the daily counts are not stored. */
  | { readonly type: 'ready'; readonly port: number; readonly quotaProblem?: string }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'error'; readonly code: string; readonly message: string };
