import { type ResponseType, type RestApi, ResponseType as Type } from 'aws-cdk-lib/aws-apigateway';
import { CORS } from '../../../core/http/cors.ts';

interface ErrorResponse {
  /** @default AWS's status for the type */
  readonly status?: number;
  /** @default AWS's message for the type */
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const RETRY_IN_A_SECOND = { 'retry-after': '1' };

/** Responses of the API itself, without a service. A type that is listed inherits nothing from DEFAULT_4XX and DEFAULT_5XX. */
const RESPONSES: readonly (readonly [ResponseType, ErrorResponse])[] = [
  [Type.UNAUTHORIZED, { headers: { 'www-authenticate': 'Bearer' } }],
  // The authorizer says why, for example that the tenant is suspended.
  [Type.ACCESS_DENIED, { message: '$context.authorizer.message' }],
  [Type.INVALID_API_KEY, {}],
  [Type.WAF_FILTERED, {}],
  [Type.THROTTLED, { headers: RETRY_IN_A_SECOND }],
  [Type.QUOTA_EXCEEDED, {}],
  // AWS's own response to an unknown path asks for a token.
  [Type.MISSING_AUTHENTICATION_TOKEN, { status: 404, message: 'Not Found' }],
  // The registry, or the keys that verify tokens, cannot be read.
  [Type.AUTHORIZER_FAILURE, { status: 503, message: 'Service Unavailable', headers: RETRY_IN_A_SECOND }],
  [Type.DEFAULT_4XX, {}],
  [Type.DEFAULT_5XX, {}],
];

/**
 * Makes errors of the API clear, and readable for pages of the app site: browsers hide a response without these headers.
 * @param origin the site's
 */
export function addGatewayResponses(api: RestApi, origin: string): void {
  const cors = {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': CORS.responseHeaders.join(', '),
  };
  for (const [type, { status, message, headers }] of RESPONSES) {
    api.addGatewayResponse(type.responseType, {
      type,
      responseHeaders: quoted({ ...cors, ...headers }),
      ...(status !== undefined && { statusCode: String(status) }),
      ...(message !== undefined && { templates: { 'application/json': JSON.stringify({ message }) } }),
    });
  }
}

/** API Gateway takes unquoted values for names of parameters. */
function quoted(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `'${value}'`]));
}
