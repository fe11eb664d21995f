import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { TIER_NAMES } from '../../core/tier/tiers.ts';

const Milliseconds = z.int().min(1);

const UsagePlan = z.strictObject({
  rate: z.number().positive(),
  burst: z.number().min(1),
  quotaPerDay: z.int().min(0),
});

/** What the platform tells the gateway's process at its start. */
const Config = z.strictObject({
  host: z.string().min(1),
  /** 0: any free one; the `ready` message names it. */
  port: z.int().min(0).max(65_535),
  /** What clients see. @default - `http://<host>:<port>` */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  platformSocket: z.string().min(1),
  /** The platform's store, read only. */
  registryFile: z.string().min(1),
  /** The gateway's own store. */
  quotaFile: z.string().min(1),
  /** The effective tier table, of which only the usage plans matter here. */
  tiers: z.record(z.enum(TIER_NAMES), z.object({ usagePlan: UsagePlan })),
  accessLog: z.string().min(1),
  limits: z
    .strictObject({
      maxBodyBytes: z.int().min(0).exactOptional(),
      requestTimeoutMs: Milliseconds.exactOptional(),
      connectTimeoutMs: Milliseconds.exactOptional(),
      headersTimeoutMs: Milliseconds.exactOptional(),
      bodyTimeoutMs: Milliseconds.exactOptional(),
      connections: z.int().min(1).exactOptional(),
      maxActive: z.int().min(1).exactOptional(),
    })
    .exactOptional(),
});

export type GatewayConfig = z.infer<typeof Config>;

/** Reads the configuration. Throws CONFIG that lists all faults with their paths. */
export function parseConfig(json: string | undefined): GatewayConfig {
  const parsed = Config.safeParse(parseJson(json ?? ''));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'TIERPLANE_GATEWAY'}: ${message}`);
  throw new DomainError('CONFIG', faults.join('; '));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DomainError('CONFIG', 'TIERPLANE_GATEWAY: must be JSON', { cause });
  }
}
