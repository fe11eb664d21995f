import type { APIGatewayAuthorizerResult, APIGatewayTokenAuthorizerEvent } from 'aws-lambda';
import { isDomainError } from '../../core/errors.ts';
import type { Authorize, VerifiedToken } from '../../core/identity/authorize.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { KEY_CHECK_PATH, type KeyCheck, ticketIn } from '../../core/routing/key-check.ts';
import { type CallerRefusal, decideCaller, type ServedCaller } from '../../core/routing/served-caller.ts';
import type { CachedRegistry } from '../gateway/registry.ts';

export interface AuthorizerOptions {
  readonly authorize: Authorize;
  readonly registry: Pick<CachedRegistry, 'lookup'>;
  /** The check of an API key that a ticket permits. @default - undefined for an unknown ticket */
  readonly keyCheck: (ticket: string) => Promise<KeyCheck | undefined>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** What the authorizer tells API Gateway about a caller whose tenant is served. The integration's headers come from it. */
export interface ServedContext extends Readonly<Record<string, string>> {
  /** Value of the header by which the load balancer finds the tasks: the id of a silo tenant, or `pool`. */
  readonly tenantPath: string;
  readonly tenantId: string;
  readonly tier: string;
}

/** The messages of refused callers, which the API's gateway response ACCESS_DENIED shows with status 403. */
const MESSAGES: Readonly<Record<Exclude<CallerRefusal, 'unauthenticated'>, string>> = {
  forbidden: 'Forbidden',
  suspended: 'The tenant is suspended',
};

/** API Gateway responds with 401 to exactly this message, and with the gateway response AUTHORIZER_FAILURE to any other. */
const UNAUTHORIZED = 'Unauthorized';

/**
 * The decision of the REST API's TOKEN authorizer. It is the decision of the embedded gateway (core/routing/served-caller.ts):
 * the usage plan, the service and the body are up to API Gateway, the load balancer and the service.
 *
 * The returned function throws `Unauthorized` without a valid token of an enabled user, and UNAVAILABLE if the keys of the
 * issuer or the registry are not available.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 */
export function createAuthorizer({ authorize, registry, log, ...checks }: AuthorizerOptions) {
  return async ({
    authorizationToken,
    methodArn,
  }: Pick<APIGatewayTokenAuthorizerEvent, 'methodArn'> & {
    readonly authorizationToken?: string | undefined;
  }): Promise<APIGatewayAuthorizerResult> => {
    const ticket = ticketIn(authorizationToken);
    if (ticket !== undefined) return await authorizeKeyCheck(ticket, methodArn, checks);
    const token = await authorize(authorizationToken).catch(refuseUnauthenticated);
    const decision = decideCaller(await registry.lookup(token.realm, token.subject), token);
    const { tenantId } = token;
    if (!('refusal' in decision)) {
      log.info({ tenantId, allowed: true }, 'authorized');
      return allow(methodArn, token, decision);
    }
    log.info({ tenantId, allowed: false, refusal: decision.refusal }, 'authorized');
    if (decision.refusal === 'unauthenticated') throw new Error(UNAUTHORIZED);
    return { ...policyOf('Deny', methodArn, token), context: { message: MESSAGES[decision.refusal] } };
  };
}

/** Allows a request that checks an API key of a tenant, and nothing else. Each ticket is for one check of one key. */
async function authorizeKeyCheck(
  ticket: string,
  methodArn: string,
  { keyCheck, clock }: Pick<AuthorizerOptions, 'keyCheck' | 'clock'>,
): Promise<APIGatewayAuthorizerResult> {
  const check = await keyCheck(ticket);
  if (!check || clock.now() > check.until) throw new Error(UNAUTHORIZED);
  const Resource = `${stageOf(methodArn)}/GET/${KEY_CHECK_PATH}`;
  const context = { tenantId: check.tenantId };
  return { ...policyFor(KEY_CHECK_PATH, 'Allow', Resource), usageIdentifierKey: check.apiKey, context };
}

/** Throws what is not a refusal. */
function refuseUnauthenticated(error: unknown): never {
  throw isDomainError(error, 'UNAUTHENTICATED') ? new Error(UNAUTHORIZED, { cause: error }) : error;
}

function allow(methodArn: string, token: VerifiedToken, { route }: ServedCaller): APIGatewayAuthorizerResult {
  const { tenantId, tier, silo, apiKey } = route;
  const context: ServedContext = { tenantPath: silo ? tenantId : 'pool', tenantId, tier };
  return { ...policyOf('Allow', methodArn, token), usageIdentifierKey: apiKey, context };
}

/** For every method of the API's stage: API Gateway caches the policy by token, and uses it for the next paths, too. */
function policyOf(Effect: 'Allow' | 'Deny', methodArn: string, { subject }: VerifiedToken) {
  return policyFor(subject, Effect, `${stageOf(methodArn)}/*`);
}

function policyFor(principalId: string, Effect: 'Allow' | 'Deny', Resource: string) {
  const Statement = [{ Action: 'execute-api:Invoke', Effect, Resource }];
  return { principalId, policyDocument: { Version: '2012-10-17', Statement } };
}

function stageOf(methodArn: string): string {
  return methodArn.split('/', 2).join('/');
}
