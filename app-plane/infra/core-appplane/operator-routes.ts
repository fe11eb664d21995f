import { HttpApi, HttpAuthorizer, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

/** The control plane's HTTP API. */
export interface ControlPlaneApi {
  readonly httpApiId: string;
  /** Id of its JWT authorizer. */
  readonly authorizerId: string;
}

const { GET, POST } = HttpMethod;

/** The operations that need the application plane: APP_PLANE_OPERATIONS in control-plane/api. */
export const OPERATOR_ROUTES: readonly (readonly [method: HttpMethod, path: string])[] = [
  [GET, '/tenants/{tenantId}/progress'],
  [GET, '/tenants/{tenantId}/plan'],
  [POST, '/tenants/{tenantId}/invitation'],
  [GET, '/operator/services'],
  [POST, '/operator/services/restart'],
  [POST, '/operator/services/scale'],
  [GET, '/operator/tenants/{tenantId}/release'],
  [POST, '/operator/tenants/{tenantId}/release'],
  [GET, '/operator/dead-letters'],
  [POST, '/operator/dead-letters/{id}/replay'],
];

/** Routes of the control plane's API that a function of the application plane serves. All require an access token. */
export class OperatorRoutes extends Construct {
  constructor(scope: Construct, id: string, { httpApiId, authorizerId }: ControlPlaneApi, target: LambdaFunction) {
    super(scope, id);
    const httpApi = HttpApi.fromHttpApiAttributes(this, 'Api', { httpApiId });
    const authorizer = HttpAuthorizer.fromHttpAuthorizerAttributes(this, 'Authorizer', {
      ...{ authorizerId, authorizerType: 'JWT' },
    });
    const integration = new HttpLambdaIntegration('Operator', target);
    for (const [method, path] of OPERATOR_ROUTES) {
      const routeKey = HttpRouteKey.with(path, method);
      new HttpRoute(this, `${method} ${path.replaceAll('/', ' ').trim()}`, {
        ...{ httpApi, routeKey, integration, authorizer },
      });
    }
  }
}
