import type { ForwardFailure } from './forward.ts';
import { type GatewayResponse, PLATFORM_UNAVAILABLE_PAGE, RESPONSES } from './responses.ts';

/** The responses to requests that could not be forwarded. */
export const FAILURE_RESPONSES: Readonly<Record<ForwardFailure, GatewayResponse>> = {
  unavailable: RESPONSES.unavailable,
  'bad-gateway': RESPONSES.badGateway,
  timeout: RESPONSES.gatewayTimeout,
  'too-large': RESPONSES.tooLarge,
  'malformed-request': RESPONSES.badRequest,
};

/** The same for browsers. */
export const BROWSER_FAILURE_RESPONSES: typeof FAILURE_RESPONSES = {
  ...FAILURE_RESPONSES,
  unavailable: PLATFORM_UNAVAILABLE_PAGE,
};
