import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import { visibleText } from '../../../core/fields/visible-text.ts';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { invalid } from '../../../core/http/parse.ts';
import { ADMIN_SCOPES, SCOPES } from '../../../core/identity/issuers.ts';
import type { ClientCredentials } from '../../../core/ports/client-credentials.ts';
import type { ControlPlaneDeps } from '../http/deps.ts';
import { nameOf, type Principal } from '../http/http.ts';
import { type ControlPlaneOperation, canRead, canWrite, done, operation, refusal } from '../http/operation.ts';

const READ = canRead(SCOPES.userRead);
const WRITE = canWrite(SCOPES.userWrite);

const NewCredential = z
  .strictObject({
    name: visibleText(64),
    scopes: z
      .array(z.enum(ADMIN_SCOPES))
      .min(1, 'must name at least one scope')
      .default([...ADMIN_SCOPES])
      .describe("What its tokens may do; at most the caller's own scopes."),
  })
  .meta({ id: 'NewCredential' });

const Credential = z
  .object({
    clientId: z.string().describe('The OAuth client id for the client credentials grant.'),
    name: z.string(),
    scopes: z.array(z.string()),
    created: z.string().describe('ISO 8601, UTC.'),
    createdBy: z.string().describe('User name, or client id of another credential.'),
  })
  .meta({ id: 'Credential' });
export type Credential = ResponseBody<typeof Credential>;

const CreatedCredential = Credential.extend({
  clientSecret: z.string().describe('Shown in this response only.'),
}).meta({ id: 'CreatedCredential' });

const CredentialCreated = z.object({ data: CreatedCredential }).meta({ id: 'CredentialCreated' });
export type CredentialCreated = ResponseBody<typeof CredentialCreated>;

const CredentialList = z.object({ data: z.array(Credential) }).meta({ id: 'CredentialList' });
export type CredentialList = ResponseBody<typeof CredentialList>;

const NO_CREDENTIAL = refusal('No credential has this client id.');

/** Throws NOT_FOUND if the home keeps no credentials. Such a home does not serve these operations. */
function storeOf({ credentials }: ControlPlaneDeps): ClientCredentials {
  if (!credentials) throw new DomainError('NOT_FOUND', 'This platform keeps no credentials of its own');
  return credentials;
}

/** Throws INVALID for scopes that the caller does not have: a credential cannot reach further than its creator. */
function requireOwnScopes(principal: Principal, scopes: readonly string[]): void {
  const own = principal.kind === 'user' ? principal.scopes : [];
  const excess = scopes.filter((scope) => !own.includes(scope));
  if (excess.length === 0) return;
  const msg = `must be among the caller's own, got ${excess.join(', ')}`;
  throw invalid(['body', 'scopes'], 'value_error', msg);
}

/** OAuth clients for scripts. */
export const CREDENTIAL_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'createCredential',
    method: 'POST',
    path: '/credentials',
    access: WRITE,
    tag: 'Credentials',
    summary: 'Create a client credential for scripts; the response shows its secret once',
    body: NewCredential,
    responses: {
      201: { description: 'The credential and its secret.', body: CredentialCreated },
      409: refusal('There are 100 credentials already.'),
    },
    async handle({ body, principal }, deps) {
      requireOwnScopes(principal, body.scopes);
      const createdBy = nameOf(principal);
      const { credential, clientSecret } = await storeOf(deps).create({ ...body, createdBy });
      deps.log.info({ clientId: credential.clientId, by: createdBy }, 'credential created');
      return { status: 201, body: { data: { ...credential, scopes: [...credential.scopes], clientSecret } } };
    },
  }),
  operation({
    id: 'listCredentials',
    method: 'GET',
    path: '/credentials',
    access: READ,
    tag: 'Credentials',
    summary: 'List client credentials without their secrets',
    responses: { 200: { description: 'All credentials in order of client id.', body: CredentialList } },
    async handle(_call, deps) {
      const found = await storeOf(deps).list();
      return { status: 200, body: { data: found.map((one) => ({ ...one, scopes: [...one.scopes] })) } };
    },
  }),
  operation({
    id: 'deleteCredential',
    method: 'DELETE',
    path: '/credentials/{clientId}',
    access: WRITE,
    tag: 'Credentials',
    summary: 'Delete a client credential',
    responses: {
      200: done('The credential is deleted; its tokens have stopped working.'),
      404: NO_CREDENTIAL,
      409: refusal("The credential belongs to the platform's own machine."),
    },
    async handle({ params: { clientId }, principal }, deps) {
      await storeOf(deps).delete(clientId);
      deps.log.info({ clientId, by: nameOf(principal) }, 'credential deleted');
      return { status: 200, body: { message: 'Credential deleted' } };
    },
  }),
];
