import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { errorMessages } from '../core/error-messages.ts';
import { DomainError } from '../core/errors.ts';
import { type TierName, type TierTable, tierNames } from '../core/tier/tiers.ts';
import { TIER_NAMES, TIERS } from '../tenant-templates/tiers.ts';

const positive = z.number().positive();
const count = z.number().int().min(1);

const tierOverride = z.strictObject({
  usagePlan: z
    .strictObject({
      rate: positive.max(1e6).exactOptional(),
      burst: count.max(1e6).exactOptional(),
      quotaPerDay: count.max(1e12).exactOptional(),
    })
    .exactOptional(),
  task: z
    .strictObject({
      memoryMiB: z.number().int().min(64).max(65_536).exactOptional(),
      cpu: positive.max(64).exactOptional(),
      desired: z.number().int().min(0).max(16).exactOptional(),
      max: count.max(16).exactOptional(),
    })
    .exactOptional(),
});

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
  .refine((url) => !url.endsWith('/'), 'must not end with a slash')
  .describe('http or https');

/** The file `config.json` of a data directory; the command line wins over it. Unknown keys fail. */
const configFile = z.strictObject({
  /** @default 127.0.0.1 - this machine only */
  host: z.string().min(1).optional(),
  /** @default 8080; 0 picks a free one */
  port: z.number().int().min(0).max(65_535).optional(),
  /** How browsers reach the front door. @default http://<host>:<port> */
  publicUrl: httpUrl.optional(),
  /** @default info */
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).optional(),
  /** Email of the first admin. @default admin@tierplane.localhost */
  adminEmail: z.email().optional(),
  /** Origins of browser pages that may call the control plane. @default none but its own */
  corsOrigins: z.array(httpUrl).optional(),
  /** Further public OIDC clients of the admin realm (an admin page made for SBT, for one). */
  adminClients: z
    .array(
      z.strictObject({
        clientId: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
        redirectUris: z.array(z.url()).min(1),
        postLogoutRedirectUris: z.array(z.url()).optional(),
      }),
    )
    .optional(),
  /** Where invitations go. @default - the mailbox page and file */
  smtp: z
    .strictObject({
      url: z.string().regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://'),
      from: z.string().min(3),
    })
    .optional(),
  /** Changes to the tier table, by tier. */
  tiers: z.partialRecord(z.enum(TIER_NAMES), tierOverride).optional(),
  signUp: z.strictObject({ perMinute: positive.max(6_000), burst: count.max(1_000) }).optional(),
  /** `held` keeps requests in their queue and provisions nothing. @default on */
  provisioning: z.enum(['on', 'held']).optional(),
});
export type ConfigFile = z.infer<typeof configFile>;

export interface PlatformConfig extends Omit<ConfigFile, 'tiers'> {
  readonly host: string;
  readonly port: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly adminEmail: string;
  readonly provisioning: 'on' | 'held';
  readonly tiers: TierTable;
  readonly demo: boolean;
}

/** What the command line may say. */
export interface ConfigFlags {
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly demo: boolean;
}

/**
 * The platform's configuration: file, then flags over it, then defaults.
 * Throws CONFIG with every fault of the file and the flags, each with its path.
 */
export function loadConfig(path: string, flags: ConfigFlags): PlatformConfig {
  const { demo, ...rest } = flags;
  const fromFlags = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const parsed = configFile.safeParse({ ...readConfigFile(path), ...fromFlags }, { error: errorMessages });
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap(inWords);
    throw new DomainError(
      'CONFIG',
      `configuration has ${faults.length} fault(s) (${path} and flags):\n${faults.join('\n')}\n  docs/cli.md lists what may be said`,
    );
  }
  const { tiers, ...config } = parsed.data;
  return {
    ...config,
    host: config.host ?? '127.0.0.1',
    port: config.port ?? 8080,
    logLevel: config.logLevel ?? 'info',
    adminEmail: config.adminEmail ?? 'admin@tierplane.localhost',
    provisioning: config.provisioning ?? 'on',
    tiers: mergeTiers(TIERS, tiers ?? {}),
    demo,
  };
}

function inWords(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== 'unrecognized_keys') return [`  ${issue.path.join('.')}: ${issue.message}`];
  return issue.keys.map((key) => `  ${[...issue.path, key].join('.')}: is no known key`);
}

function readConfigFile(path: string): object {
  if (!existsSync(path)) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw new DomainError('CONFIG', `${path} must be a JSON object; mend it: ${reason}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DomainError('CONFIG', `${path} must be a JSON object, got ${JSON.stringify(value)?.slice(0, 40)}`);
  }
  return value;
}

function mergeTiers(base: TierTable, overrides: NonNullable<ConfigFile['tiers']>): TierTable {
  const merge = (name: TierName) => ({
    ...base[name],
    usagePlan: { ...base[name].usagePlan, ...overrides[name]?.usagePlan },
    task: { ...base[name].task, ...overrides[name]?.task },
  });
  return Object.fromEntries(tierNames(base).map((name) => [name, merge(name)])) as TierTable;
}

/** 24 random characters of four classes, good for any policy. */
export function newPassword(): string {
  return `${randomBytes(15).toString('base64url').replaceAll('-', 'x').replaceAll('_', 'y')}.Aa1!`;
}
