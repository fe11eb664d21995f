import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';

/** A name of Service Connect, which is also the first segment of the service's paths. */
const SERVICE = /^[a-z][a-z0-9-]{0,62}$/;
/** A segment that API Gateway puts before the path: the name of a stage or of a shard. */
const PREFIX = /^[A-Za-z0-9_-]{1,128}$/;
/** An address of a service. */
const ENDPOINT = /^http:\/\/[\w.-]{1,253}:\d{1,5}$/;
/** The version of the services' paths (`/v1/products`), which no prefix may hide. */
export const VERSION = 'v1';

const services = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(
    z
      .array(z.string().regex(SERVICE, 'must be names of services with commas between them, such as orders,products'))
      .refine((names) => new Set(names).size === names.length, 'must name each service once'),
  );
const prefix = z.string().regex(PREFIX, 'must be one segment of a path').optional();
const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port')
  .transform(Number);

/** The address of each service, as JSON: `{"orders":["http://127.0.0.1:8081"]}`. Services read the same variable. */
const endpoints = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(
    z.record(
      z.string(),
      z.tuple([z.string().regex(ENDPOINT, 'must be http://<host>:<port>')], { error: 'must be one URL in a list' }),
    ),
  );

/** The environment variables of an ingress task. */
const Environment = z
  .object({
    TIERPLANE_ROUTED_SERVICES: services,
    TIERPLANE_STAGE: prefix,
    TIERPLANE_SHARD: prefix,
    TIERPLANE_PORT: port.pipe(z.int().min(0).max(65_535)).default(8_080),
    TIERPLANE_SERVICE_PORT: port.pipe(z.int().min(1).max(65_535)).default(8_080),
    TIERPLANE_SERVICES: endpoints.default({}),
  })
  .superRefine(({ TIERPLANE_ROUTED_SERVICES, TIERPLANE_STAGE, TIERPLANE_SHARD }, context) => {
    const taken = [...TIERPLANE_ROUTED_SERVICES, VERSION];
    for (const [variable, value] of Object.entries({ TIERPLANE_STAGE, TIERPLANE_SHARD })) {
      if (value === undefined || !taken.includes(value)) continue;
      const message = `must not be the name of a service or '${VERSION}', got '${value}'`;
      context.addIssue({ code: 'custom', path: [variable], message });
    }
  });

export interface IngressConfig {
  /** The services that requests may reach, by their names in Service Connect. TIERPLANE_ROUTED_SERVICES, such as `orders,products`. */
  readonly services: readonly string[];
  /** The stage that may precede the service in a path. TIERPLANE_STAGE. @default - no stage */
  readonly stage: string | undefined;
  /** The shard that may follow the stage. TIERPLANE_SHARD. @default - no shard */
  readonly shard: string | undefined;
  /** TIERPLANE_PORT; 0 picks a free one. @default 8080 */
  readonly port: number;
  /** The port of every service without an endpoint. TIERPLANE_SERVICE_PORT. @default 8080 */
  readonly servicePort: number;
  /** `http://<host>:<port>` by service. TIERPLANE_SERVICES. @default - `http://<service>:<servicePort>` */
  readonly endpoints: Readonly<Record<string, string>>;
}

/** Reads the environment. An empty variable counts as absent. Throws CONFIG that lists every error with its variable. */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): IngressConfig {
  const present = Object.entries(variables).filter(([, value]) => value !== undefined && value !== '');
  const parsed = Environment.safeParse(Object.fromEntries(present));
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => `  ${String(path[0])}: ${message}`);
    throw new DomainError('CONFIG', `invalid environment of ingress (${errors.length} errors):\n${errors.join('\n')}`);
  }
  const { TIERPLANE_ROUTED_SERVICES, TIERPLANE_STAGE, TIERPLANE_SHARD, TIERPLANE_PORT, ...others } = parsed.data;
  const endpoints = Object.entries(others.TIERPLANE_SERVICES).map(([service, [url]]) => [service, url] as const);
  return {
    services: TIERPLANE_ROUTED_SERVICES,
    stage: TIERPLANE_STAGE,
    shard: TIERPLANE_SHARD,
    port: TIERPLANE_PORT,
    servicePort: others.TIERPLANE_SERVICE_PORT,
    endpoints: Object.fromEntries(endpoints),
  };
}
