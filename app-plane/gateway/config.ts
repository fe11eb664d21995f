import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';
import { UPSTREAM_CLIENTS } from './upstream-clients.ts';

const Milliseconds = z.int().min(1);

const UsagePlan = z.strictObject({
  rate: z.number().positive(),
  burst: z.number().min(1),
  quotaPerDay: z.int().min(0),
});

/** The configuration that the platform passes to the gateway's process at its start. */
const Config = z.strictObject({
  host: z.string().min(1),
  /** 0 picks a free port, which the `ready` message names. */
  port: z.int().min(0).max(65_535),
  /** What clients see. @default - `http://<host>:<port>` */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  platformSocket: z.string().min(1),
  /** The platform's store, opened read-only. */
  registryFile: z.string().min(1),
  /** The gateway's own store. */
  quotaFile: z.string().min(1),
  /** The tier table with the operator's changes. The gateway reads the usage plans only. */
  tiers: z.record(z.enum(TIER_NAMES), z.object({ usagePlan: UsagePlan })),
  accessLog: z.string().min(1),
  /** Proxies whose `Forwarded` and `X-Forwarded-For` name the client. */
  trustedProxies: z.array(z.string()).default([]),
  /** The HTTP client for requests to tasks; see docs/decisions/0009. */
  upstream: z.enum(UPSTREAM_CLIENTS).default('own'),
  /** Exact origins of browser pages that may call the tenants' API. */
  corsOrigins: z.array(z.string()).default([]),
  limits: z
    .strictObject({
      maxBodyBytes: z.int().min(0).exactOptional(),
      requestTimeoutMs: Milliseconds.exactOptional(),
      connectTimeoutMs: Milliseconds.exactOptional(),
      headersTimeoutMs: Milliseconds.exactOptional(),
      bodyTimeoutMs: Milliseconds.exactOptional(),
      connections: z.int().min(1).exactOptional(),
      maxActive: z.int().min(1).exactOptional(),
      platformBodyTimeoutMs: Milliseconds.exactOptional(),
      connectionsPerClient: z.int().min(1).exactOptional(),
      clientConnections: z.int().min(1).exactOptional(),
    })
    .exactOptional(),
});

export type GatewayConfig = z.infer<typeof Config>;

/** Reads the configuration. Throws CONFIG that lists every error with its path. */
export function parseConfig(json: string | undefined): GatewayConfig {
  const parsed = Config.safeParse(parseJson(json ?? ''));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'TIERPLANE_GATEWAY'}: ${message}`);
  throw new DomainError('CONFIG', errors.join('; '));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DomainError('CONFIG', 'TIERPLANE_GATEWAY: must be JSON', { cause });
  }
}
