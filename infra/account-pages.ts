import { HttpMethod, HttpNoneAuthorizer, HttpRoute, HttpRouteKey, type IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { alarmOnErrors, type PlatformFunctionProps, platformFunction } from './platform-function.ts';

export interface AccountPagesProps extends Omit<PlatformFunctionProps, 'description'> {
  readonly api: IHttpApi;
  /** The realm in the path of the pages, or the name of its parameter in braces. */
  readonly realm: string;
}

const PAGES = ['/forgot-password', '/reset-password', '/account/password', '/account/sign-out-everywhere'];

/** Paths below a realm. */
const ROUTES: readonly (readonly [method: HttpMethod, path: string])[] = [
  ...PAGES.flatMap((page) => [HttpMethod.GET, HttpMethod.POST].map((method) => [method, page] as const)),
  [HttpMethod.PUT, '/me/password'],
  [HttpMethod.DELETE, '/me/sessions'],
];

const PUBLIC_BECAUSE =
  'Whoever forgot the password has no token, and forms are limited per address. Below /me, the function verifies the token itself.';

/** The pages with which users help themselves, as a function behind routes of an HTTP API that need no token. */
export class AccountPages extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { api, realm, ...props }: AccountPagesProps) {
    super(scope, id);
    const description = 'Pages for forgotten passwords, own passwords and signing out everywhere';
    this.function = platformFunction(this, 'Function', { ...props, description });
    const integration = new HttpLambdaIntegration('Integration', this.function);
    for (const [method, path] of ROUTES) {
      const routeKey = HttpRouteKey.with(`/realms/${realm}${path}`, method);
      const authorizer = new HttpNoneAuthorizer();
      const route = new HttpRoute(this, `${method} ${path}`.replaceAll('/', '-'), {
        ...{ httpApi: api, routeKey, integration, authorizer },
      });
      NagSuppressions.addResourceSuppressions(route, [{ id: 'AwsSolutions-APIG4', reason: PUBLIC_BECAUSE }]);
    }
    alarmOnErrors(this.function);
  }
}
