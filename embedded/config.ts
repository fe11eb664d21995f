import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { errorMessages } from '../core/error-messages.ts';
import { DomainError } from '../core/errors.ts';
import { Email } from '../core/fields/email.ts';
import { visibleText } from '../core/fields/visible-text.ts';
import { isProxyRange } from '../core/http/client-address.ts';
import { DEFAULT_MAIL_RATES, type MailRate, type MailRates } from '../core/identity/users/mail-limits.ts';
import { MAX_TENANT_NAME_LENGTH } from '../core/tenant/names.ts';
import { RESERVED_NAMES } from '../core/tenant/reserved-names.ts';
import { type TierName, type TierTable, tierNames } from '../core/tier/tiers.ts';
import { TIER_NAMES, TIERS } from '../tenant-templates/tiers.ts';

const positive = z.number().positive();
const count = z.number().int().min(1);

/** Values of keys that neither the file nor an option sets. */
const DEFAULTS = {
  host: '127.0.0.1',
  port: 8080,
  logLevel: 'info',
  adminEmail: 'admin@tierplane.localhost',
  provisioning: 'on',
  gateway: { upstream: 'own' },
} as const;

const usagePlan = z
  .strictObject({
    rate: positive.max(1e6).exactOptional().meta({ description: 'Requests per second.' }),
    burst: count.max(1e6).exactOptional().meta({ description: 'Requests at once: the size of the token bucket.' }),
    quotaPerDay: count.max(1e12).exactOptional().meta({ description: 'Requests per day; days begin at 00:00 UTC.' }),
  })
  .meta({
    description: 'Usage plan of each tenant of the tier. A key that is absent keeps the value of the tier table.',
  });

const task = z
  .strictObject({
    memoryMiB: z.number().int().min(64).max(65_536).exactOptional().meta({
      description: 'Memory of one task, in MiB. A task that takes more is replaced.',
    }),
    cpu: positive.max(64).exactOptional().meta({ description: 'Processor cores of one task.' }),
    desired: z.number().int().min(0).max(16).exactOptional().meta({ description: 'Tasks of each service.' }),
    max: count.max(16).exactOptional().meta({ description: 'Largest number of tasks of each service.' }),
  })
  .meta({ description: 'Size and number of tasks. A key that is absent keeps the value of the tier table.' });

const tierOverride = z.strictObject({ usagePlan: usagePlan.exactOptional(), task: task.exactOptional() });

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
  .refine((url) => !url.endsWith('/'), 'must not end with a slash');

const proxyRange = z
  .string()
  .refine(isProxyRange, 'must be an IP address, a range such as 10.0.0.0/8 with a prefix of at least 1, or `loopback`');

/** As browsers send it in `Origin`. */
const origin = httpUrl.refine(
  (url) => !URL.canParse(url) || new URL(url).origin === url,
  'must be an origin: scheme, host and port in lower case, without a path',
);

const adminClient = z.strictObject({
  clientId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .meta({ description: 'OAuth client id: 1 to 64 letters, digits and `.` `_` `-`.' }),
  redirectUris: z.array(z.url()).min(1).meta({ description: 'Exact redirect URIs after sign-in.' }),
  postLogoutRedirectUris: z.array(z.url()).exactOptional().meta({ description: 'Exact redirect URIs after sign-out.' }),
});

const smtp = z
  .strictObject({
    url: z
      .string()
      .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
      .meta({ description: 'SMTP server, for example `smtps://user:password@mail.example.com`.' }),
    from: z.string().min(3).meta({ description: 'Sender of every mail.' }),
  })
  .meta({ description: 'SMTP server that sends the mails.' });

const gateway = z
  .strictObject({
    upstream: z.enum(['own', 'undici']).exactOptional().meta({
      description:
        "HTTP client for requests from the gateway to tasks: Tierplane's own, or the undici package, which is slower (decision 9).",
      default: DEFAULTS.gateway.upstream,
    }),
    corsOrigins: z.array(origin).exactOptional().meta({
      description: "Origins of browser pages that may call the tenants' API, and sign its users in.",
      default: 'none but the public URL',
    }),
  })
  .meta({ description: 'Settings of the gateway.' });

const signUp = z.strictObject({
  perMinute: positive.max(6_000).meta({ description: 'Sign-ups per minute and client address.' }),
  burst: count.max(1_000).meta({ description: 'Sign-ups at once and per client address.' }),
});

const mailRate = z.strictObject({
  perHour: positive.max(1e6).meta({ description: 'Mails per hour.' }),
  burst: count.max(1e6).meta({ description: 'Mails at once.' }),
});

const mailLimits = z.strictObject({
  perTenant: mailRate.exactOptional().meta({
    description: 'Limit of the mails that each tenant causes.',
    default: rateText(DEFAULT_MAIL_RATES.perTenant),
  }),
  perRecipient: mailRate.exactOptional().meta({
    description: 'Limit of the mails to each address.',
    default: rateText(DEFAULT_MAIL_RATES.perRecipient),
  }),
});

function rateText({ perHour, burst }: MailRate): string {
  return `${perHour} an hour, burst ${burst}`;
}

/**
 * The file `config.json` of a data directory; options of the command line override it. Unknown keys fail.
 * docs/configuration.md shows each key's description and default from here (`npm run docs`).
 */
export const CONFIG_FILE = z.strictObject({
  host: z.string().min(1).exactOptional().meta({
    description: 'Address that the gateway listens on. `0.0.0.0` is every address of the machine.',
    default: DEFAULTS.host,
  }),
  port: z.number().int().min(0).max(65_535).exactOptional().meta({
    description: 'Port that the gateway listens on. `0` picks a free port at each start.',
    default: DEFAULTS.port,
  }),
  publicUrl: httpUrl.exactOptional().meta({
    description: 'The public URL: how browsers and clients reach the gateway. Without a slash at the end.',
    default: 'http://<host>:<port>',
  }),
  trustedProxies: z.array(proxyRange).exactOptional().meta({
    description:
      'Proxies in front of the gateway: addresses, ranges such as `10.0.0.0/8`, or `loopback` for this machine. Their `Forwarded` or `X-Forwarded-For` header names the client, for limits and logs.',
    default: 'none: the address of the connection counts',
  }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).exactOptional().meta({
    description: 'Lowest level of the lines in `logs/platform.log`.',
    default: DEFAULTS.logLevel,
  }),
  adminEmail: Email.exactOptional().meta({
    description: 'Email address of the first admin. It counts at the first start only.',
    default: DEFAULTS.adminEmail,
  }),
  corsOrigins: z.array(origin).exactOptional().meta({
    description: 'Origins of browser pages that may call the control plane.',
    default: 'none but the public URL',
  }),
  adminClients: z.array(adminClient).exactOptional().meta({
    description: 'More public OIDC clients of the admin realm, for example an admin page made for SBT.',
    default: 'none',
  }),
  smtp: smtp.exactOptional().meta({ default: 'the mailbox page shows the mails' }),
  tiers: z.partialRecord(z.enum(TIER_NAMES), tierOverride).exactOptional().meta({
    description: 'Changes to the tier table, by tier.',
    default: 'tenant-templates/tiers.ts',
  }),
  gateway: gateway.exactOptional(),
  signUp: signUp.exactOptional().meta({
    description: 'Limit of sign-ups for each client address.',
    default: '5 a minute, burst 10',
  }),
  mailLimits: mailLimits.exactOptional(),
  reservedNames: z
    .array(visibleText(MAX_TENANT_NAME_LENGTH))
    .exactOptional()
    .meta({
      description:
        'Names that no new tenant may have, in any spelling. The host of the public URL, and its first label, are reserved too.',
      default: RESERVED_NAMES.join(', '),
    }),
  provisioning: z.enum(['on', 'held']).exactOptional().meta({
    description: '`held` keeps provisioning requests in their queue and provisions nothing.',
    default: DEFAULTS.provisioning,
  }),
});
export type ConfigFile = z.infer<typeof CONFIG_FILE>;

export interface PlatformConfig extends Omit<ConfigFile, 'tiers'> {
  readonly host: string;
  readonly port: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly adminEmail: string;
  readonly provisioning: 'on' | 'held';
  readonly gateway: { readonly upstream: 'own' | 'undici'; readonly corsOrigins?: string[] };
  readonly tiers: TierTable;
  readonly demo: boolean;
}

/** Options of `tierplane up`. */
export interface ConfigFlags {
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly demo: boolean;
}

/**
 * The platform's configuration: options override the file, and the file overrides the defaults.
 * Throws CONFIG with every error of the file and the options, each with its path.
 */
export function loadConfig(path: string, flags: ConfigFlags): PlatformConfig {
  const { demo, ...rest } = flags;
  const fromFlags = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const parsed = CONFIG_FILE.safeParse({ ...readConfigFile(path), ...fromFlags }, { error: errorMessages });
  if (!parsed.success) {
    const errors = parsed.error.issues.flatMap(describeIssue);
    throw new DomainError(
      'CONFIG',
      `invalid configuration (${errors.length} ${errors.length === 1 ? 'error' : 'errors'} in ${path} and the options):\n${errors.join('\n')}\n  docs/configuration.md lists every key`,
    );
  }
  const { tiers, ...config } = parsed.data;
  return {
    ...DEFAULTS,
    ...config,
    gateway: { ...DEFAULTS.gateway, ...config.gateway },
    tiers: mergeTiers(TIERS, tiers ?? {}),
    demo,
  };
}

/** The limits of mails, with the defaults of keys that are absent. */
export function mailRatesOf({ mailLimits: limits }: Pick<ConfigFile, 'mailLimits'>): MailRates {
  return { ...DEFAULT_MAIL_RATES, ...limits };
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== 'unrecognized_keys') return [`  ${issue.path.join('.')}: ${issue.message}`];
  return issue.keys.map((key) => `  ${[...issue.path, key].join('.')}: unknown key`);
}

function readConfigFile(path: string): object {
  if (!existsSync(path)) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw new DomainError('CONFIG', `${path} must be a JSON object, but cannot be parsed: ${reason}`, { cause });
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

/** 24 random characters of four classes. Every password policy accepts it. */
export function newPassword(): string {
  return `${randomBytes(15).toString('base64url').replaceAll('-', 'x').replaceAll('_', 'y')}.Aa1!`;
}
