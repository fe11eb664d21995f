import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { ADMIN_SIGN_IN_SCOPE } from '../../../core/identity/issuers.ts';
import { DEFAULT_BASE_PATH } from '../http/http.ts';
import { type ControlPlaneOperation, operation, PUBLIC } from '../http/operation.ts';

const PlatformDescription = z
  .object({
    issuer: z.url().describe("The issuer of operators' tokens; its OpenID configuration names the endpoints."),
    clientId: z.string().describe('The public client of the command line.'),
    scope: z.string().describe('The scope for a sign-in of the command line.'),
    controlPlanePath: z.string().describe("Path of this API below the platform's address; empty if it is the root."),
    apiPath: z.string().optional().describe("Path of the tenants' API; absent where the platform has none."),
  })
  .meta({ id: 'PlatformDescription', description: 'What a client needs to know to use the platform.' });
export type PlatformDescription = ResponseBody<typeof PlatformDescription>;

/** For clients that know only the platform's address. The response names no tenant and holds no secret. */
export const DISCOVERY_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'describePlatform',
    method: 'GET',
    path: '/.well-known/tierplane',
    access: PUBLIC,
    tag: 'Sign-in',
    summary: 'How operators sign in, and the paths of the APIs',
    responses: { 200: { description: 'Issuer, client, scope and paths.', body: PlatformDescription } },
    handle(_call, { discovery, basePath = DEFAULT_BASE_PATH }) {
      return { status: 200, body: { ...discovery, scope: ADMIN_SIGN_IN_SCOPE, controlPlanePath: basePath } };
    },
  }),
];
