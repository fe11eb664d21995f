import {
  type CfnRoute,
  type CfnStage,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
  type IHttpApi,
} from 'aws-cdk-lib/aws-apigatewayv2';
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

/** Requests per second, and at once, to each route. They need no token, and a request for a link takes 1.5 s of an instance. */
const LIMITS = { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 };

/** The pages with which users help themselves, as a function behind routes of an HTTP API that need no token. */
export class AccountPages extends Construct {
  readonly function: LambdaFunction;
  readonly #routes = new Map<string, CfnRoute>();

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
      this.#routes.set(routeKey.key, route.node.defaultChild as CfnRoute);
      NagSuppressions.addResourceSuppressions(route, [{ id: 'AwsSolutions-APIG4', reason: PUBLIC_BECAUSE }]);
    }
    alarmOnErrors(this.function);
  }

  /** Limits the routes. The stage must be of the same stack: API Gateway accepts limits only of routes that exist. */
  limitOn(stage: CfnStage): void {
    const settings = { ...LIMITS, DetailedMetricsEnabled: true };
    stage.routeSettings = Object.fromEntries([...this.#routes.keys()].map((key) => [key, settings]));
    for (const route of this.#routes.values()) stage.addDependency(route);
  }
}
