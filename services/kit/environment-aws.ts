import * as z from 'zod';
import type { Endpoint } from './directory.ts';
import { IdentityUrl, jsonOf, parseEnvironment, Realm, TenantOrNone, type Variables } from './environment.ts';

/** The port that containers listen on. */
const PORT = 8080;

const Issuers = z
  .array(
    z.strictObject({
      /** `https://cognito-idp.<region>.amazonaws.com/<user pool id>` */
      issuer: z.url({ protocol: /^https$/ }).regex(/[^/]$/, 'must not end with a slash'),
      realm: Realm,
      clientIds: z.array(z.string().min(1)).min(1),
    }),
  )
  .min(1);

const HttpEndpoint = z.custom<Endpoint>(
  (value) => typeof value === 'string' && /^http:\/\/[\w.-]+(:\d{1,5})?$/.test(value),
  'must be http://<host> or http://<host>:<port>',
);

/** What a service needs to read and write the items of its tenants. */
const TableEnvironment = z.object({
  /** Name of the service's table. */
  TIERPLANE_TABLE: z.string().regex(/^[\w.-]{3,255}$/, 'must be the name of a DynamoDB table'),
  /** The role whose sessions reach the data of one tenant. */
  TIERPLANE_DATA_ROLE: z.string().regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'must be the ARN of a role'),
});

/** The environment variables of a container on AWS, without those of its table. */
const AwsEnvironment = z
  .object({
    /** Folder under services/. */
    TIERPLANE_SERVICE: z.string().min(1),
    /** @default 8080 */
    TIERPLANE_PORT: z.coerce.number().int().min(0).max(65_535).default(PORT),
    /** The only tenant that the task serves. @default '' - a pooled task, which serves all tenants of the pool */
    TIERPLANE_TENANT: TenantOrNone.default(''),
    /** JSON: the user pools whose tokens are accepted, with their public clients. */
    TIERPLANE_ISSUERS: jsonOf(Issuers),
    /** JSON: the endpoints of other services by name, such as `{"products":["http://products:8080"]}`. @default '{}' */
    TIERPLANE_SERVICES: jsonOf(z.record(z.string(), z.array(HttpEndpoint))).default({}),
    /**
     * Name or ARN of the function `tenant-users`, which the task's role may invoke. It responds with the role that a caller
     * has now. @default - TIERPLANE_IDENTITY_URL does
     */
    TIERPLANE_USERS_FUNCTION: z.string().min(1).optional(),
    /** Used without TIERPLANE_USERS_FUNCTION: identity's realms are below it. */
    TIERPLANE_IDENTITY_URL: IdentityUrl.optional(),
    AWS_REGION: z.string().min(1),
    /** Where all services of AWS are. @default - the public endpoint of each */
    AWS_ENDPOINT_URL: z.url({ protocol: /^https?$/ }).optional(),
  })
  .refine((read) => read.TIERPLANE_USERS_FUNCTION !== undefined || read.TIERPLANE_IDENTITY_URL !== undefined, {
    path: ['TIERPLANE_USERS_FUNCTION'],
    error: 'must be given, unless TIERPLANE_IDENTITY_URL is',
    when: () => true,
  });
const WithTable = TableEnvironment.and(AwsEnvironment);
export type AwsEnvironment = z.output<typeof AwsEnvironment> & Partial<z.output<typeof TableEnvironment>>;

/**
 * Throws CONFIG with every error and its variable.
 * @param hasTable whether the service keeps items. @default true
 */
export function readAwsEnvironment(variables: Variables, hasTable = true): AwsEnvironment {
  return parseEnvironment(hasTable ? WithTable : AwsEnvironment, variables);
}
