import type { ControlPlaneAPI } from '@cdklabs/sbt-aws';
import { HttpMethod, HttpNoneAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { NagSuppressions } from 'cdk-nag';
import type { FunctionName } from './control-plane-functions.ts';

interface AddedRoute {
  readonly method: HttpMethod;
  readonly path: string;
  readonly function: FunctionName;
  /** Why the route is open to callers without a token. @default the route requires an access token */
  readonly publicBecause?: string;
}

/**
 * The routes that need the application plane's records. Beside an application plane, its operator function serves them
 * (app-plane/infra/core-appplane/operator-routes.ts); alone, the control plane's table stands in.
 */
const ROUTES_ALONE: readonly AddedRoute[] = [
  { method: HttpMethod.GET, path: '/tenants/{tenantId}/progress', function: 'tenants' },
  { method: HttpMethod.POST, path: '/tenants/{tenantId}/invitation', function: 'tenants' },
  { method: HttpMethod.GET, path: '/operator/dead-letters', function: 'registrations' },
  { method: HttpMethod.POST, path: '/operator/dead-letters/{id}/replay', function: 'registrations' },
];

/** The routes that the API has in addition to SBT's. */
const ADDED_ROUTES: readonly AddedRoute[] = [
  { method: HttpMethod.POST, path: '/tenant-registrations/{tenantRegistrationId}/retry', function: 'registrations' },
  { method: HttpMethod.POST, path: '/users/{userId}/invitation', function: 'users' },
  { method: HttpMethod.DELETE, path: '/users/{userId}/sessions', function: 'users' },
  { method: HttpMethod.DELETE, path: '/me/sessions', function: 'users' },
  { method: HttpMethod.PUT, path: '/users/{userId}/enable', function: 'users' },
  { method: HttpMethod.PUT, path: '/users/{userId}/disable', function: 'users' },
  { method: HttpMethod.GET, path: '/operator/status', function: 'tenants' },
  { method: HttpMethod.GET, path: '/operator/tiers', function: 'tenants' },
  {
    method: HttpMethod.POST,
    path: '/onboarding',
    function: 'registrations',
    publicBecause: 'A company signs itself up before it can have a token; requests are limited per address.',
  },
  {
    method: HttpMethod.GET,
    path: '/.well-known/tierplane',
    function: 'config',
    publicBecause: 'It shows clients how to sign in, before they can have a token.',
  },
  {
    method: HttpMethod.GET,
    path: '/openapi.json',
    function: 'config',
    publicBecause: 'The description of the API contains nothing that its public documentation does not.',
  },
  { method: HttpMethod.GET, path: '/docs', function: 'config', publicBecause: 'This is the documentation of the API.' },
  {
    method: HttpMethod.GET,
    path: '/healthz',
    function: 'config',
    publicBecause: 'The response only shows that the function responds.',
  },
  {
    method: HttpMethod.GET,
    path: '/readyz',
    function: 'config',
    publicBecause: 'The response only shows whether the table responds.',
  },
];

/**
 * Adds our routes to SBT's API. Routes that require a token use SBT's JWT authorizer.
 * @param isAlone the control plane is installed without an application plane
 */
export function addRoutes(
  { api, jwtAuthorizer }: ControlPlaneAPI,
  functions: Readonly<Record<FunctionName, LambdaFunction>>,
  { isAlone }: { readonly isAlone: boolean },
): void {
  for (const { method, path, function: name, publicBecause } of isAlone
    ? [...ADDED_ROUTES, ...ROUTES_ALONE]
    : ADDED_ROUTES) {
    const routes = api.addRoutes({
      path,
      methods: [method],
      integration: new HttpLambdaIntegration(`${name}Integration`, functions[name]),
      authorizer: publicBecause === undefined ? jwtAuthorizer : new HttpNoneAuthorizer(),
    });
    if (publicBecause === undefined) continue;
    NagSuppressions.addResourceSuppressions(routes, [{ id: 'AwsSolutions-APIG4', reason: publicBecause }]);
  }
}
