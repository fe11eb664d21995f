import type { APIGatewayProxyEventV2 } from 'aws-lambda';

export interface EventOptions {
  /** The claims of the token that API Gateway's JWT authorizer has verified. @default - no authorizer */
  readonly claims?: Readonly<Record<string, string>>;
  /** The caller that signed the request, on routes with IAM authorization. @default - no authorizer */
  readonly userArn?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as is; any other value is sent as JSON. */
  readonly body?: unknown;
  /** API Gateway encodes bodies that are not of a textual type. @default false */
  readonly base64?: boolean;
  readonly query?: string;
  /** @default '$default' */
  readonly stage?: string;
  readonly requestId?: string;
  /** @default '205.255.255.176' */
  readonly sourceIp?: string;
}

/**
 * An event of an HTTP API in the shape that AWS documents for payload format 2.0.
 *
 * @param route `GET /tenants/{tenantId}`
 * @param rawPath decoded as by API Gateway; starts with the stage if that has a name
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function httpEvent(route: string, rawPath: string, options: EventOptions = {}): APIGatewayProxyEventV2 {
  const {
    claims,
    userArn,
    body,
    base64 = false,
    query = '',
    stage = '$default',
    requestId = 'JKJaXmPLvHcESHA=',
  } = options;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const authorizer = {
    ...(claims && { jwt: { claims, scopes: null } }),
    ...(userArn !== undefined && {
      iam: {
        ...{ accessKey: 'AKIAEXAMPLE', accountId: '000000000000', callerId: 'AROAEXAMPLE:session' },
        ...{ cognitoIdentity: null, principalOrgId: 'o-example', userArn, userId: 'AROAEXAMPLE:session' },
      },
    }),
  };
  const requestContext = {
    accountId: '000000000000',
    apiId: 'r3pmxmplak',
    ...((claims || userArn !== undefined) && { authorizer }),
    domainName: 'r3pmxmplak.execute-api.us-east-1.amazonaws.com',
    domainPrefix: 'r3pmxmplak',
    http: {
      method: route.split(' ')[0] ?? '',
      path: rawPath,
      protocol: 'HTTP/1.1',
      sourceIp: options.sourceIp ?? '205.255.255.176',
      userAgent: 'curl/8.5.0',
    },
    requestId,
    routeKey: route,
    stage,
    time: '10/Mar/2026:05:16:23 +0000',
    timeEpoch: 1773119783000,
  };
  return {
    version: '2.0',
    routeKey: route,
    rawPath,
    rawQueryString: query,
    headers: {
      accept: '*/*',
      host: 'r3pmxmplak.execute-api.us-east-1.amazonaws.com',
      'x-forwarded-for': '205.255.255.176',
      'x-forwarded-proto': 'https',
      ...options.headers,
    },
    requestContext,
    ...(text !== undefined && { body: base64 ? Buffer.from(text).toString('base64') : text }),
    isBase64Encoded: base64,
  };
}
