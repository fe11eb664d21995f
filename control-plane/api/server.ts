import type { IncomingMessage, ServerResponse } from 'node:http';
import { collectBody } from '../../core/http/collect-body.ts';
import { decodeUtf8 } from '../../core/http/json-body.ts';
import { clientRequestId } from '../../core/http/request-id.ts';
import { newId } from '../../core/tenant/ids.ts';
import { createControlPlane } from './control-plane.ts';
import type { ControlPlaneDeps } from './http/deps.ts';
import {
  type ApiResponse,
  type AuthorizePrincipal,
  BODY_NOT_UTF8,
  BODY_TOO_LARGE,
  DEFAULT_BASE_PATH,
  MAX_BODY_BYTES,
  type RequestHead,
} from './http/http.ts';
import type { OperationOf } from './http/operation.ts';

export interface HandlerOptions<Deps extends ControlPlaneDeps = ControlPlaneDeps> {
  readonly authorize: AuthorizePrincipal;
  /** The operations that only this home serves. @default - none */
  readonly operations?: readonly OperationOf<Deps>[];
  /** Exact origins of pages whose scripts may call the API. @default [] - none */
  readonly corsOrigins?: readonly string[];
  /** Removed from paths; other paths are not found. @default '/control-plane' */
  readonly prefix?: string;
}

/** Serves the control plane by node:http. */
export function createControlPlaneHandler<Deps extends ControlPlaneDeps>(
  deps: Deps,
  { authorize, operations, corsOrigins = [], prefix = DEFAULT_BASE_PATH }: HandlerOptions<Deps>,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const controlPlane = createControlPlane(deps, authorize, operations);

  return async (req, res) => {
    const [rawPath = '/', rawQuery] = (req.url ?? '/').split(/\?(.*)/s);
    const requestId = clientRequestId(req.headers['x-request-id']) ?? newId(deps.clock.now(), deps.random);
    const path = pathBelow(prefix, rawPath);
    const headers = { ...corsHeaders(req, path, corsOrigins), 'x-request-id': requestId };
    if (req.method === 'OPTIONS') return send(req, res, { status: 204 }, headers);

    const head: RequestHead = {
      method: req.method === 'HEAD' ? 'GET' : (req.method ?? 'GET'),
      path,
      headers: Object.fromEntries(
        Object.entries(req.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
      ),
    };
    // Node discards a body that nobody has read.
    const refusal = await controlPlane.refusal(head);
    if (refusal) return send(req, res, refusal, headers);
    const read = await readBody(req);
    // The client has disconnected.
    if (read === 'aborted') return;
    if (read === 'too large') return send(req, res, BODY_TOO_LARGE, headers);
    if (read === 'not UTF-8') return send(req, res, BODY_NOT_UTF8, headers);
    const query = Object.fromEntries(new URLSearchParams(rawQuery));
    send(req, res, await controlPlane.respond({ ...head, query, body: read.text }), headers);
  };
}

/** @returns '' for a path outside the prefix; no operation matches it */
function pathBelow(prefix: string, path: string): string {
  if (path === prefix) return '/';
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : '';
}

/** Every origin may read tenant configuration, as sign-in pages run on their tenants' own origins. */
function corsHeaders(req: IncomingMessage, path: string, origins: readonly string[]): Record<string, string> {
  const { origin } = req.headers;
  const isLogin = path === '/tenant-config' || path.startsWith('/tenant-config/');
  if (isLogin) return { 'access-control-allow-origin': '*', ...PREFLIGHT };
  if (!origin || !origins.includes(origin)) return { vary: 'origin' };
  return { 'access-control-allow-origin': origin, vary: 'origin', ...PREFLIGHT };
}

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'authorization, content-type, idempotency-key, x-request-id',
  'access-control-expose-headers': 'x-request-id, retry-after',
  'access-control-max-age': '600',
};

type Body = { readonly text: string | undefined } | 'too large' | 'aborted' | 'not UTF-8';

async function readBody(req: IncomingMessage): Promise<Body> {
  let chunks: readonly Buffer[] | undefined;
  try {
    chunks = await collectBody(req as AsyncIterable<Buffer>, MAX_BODY_BYTES);
  } catch {
    return 'aborted';
  }
  if (!chunks) return 'too large';
  if (chunks.length === 0) return { text: undefined };
  const text = decodeUtf8(Buffer.concat(chunks));
  return text === undefined ? 'not UTF-8' : { text };
}

function send(req: IncomingMessage, res: ServerResponse, response: ApiResponse, common: Record<string, string>): void {
  const { status, headers = {}, body } = response;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  res.writeHead(status, {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...common,
    ...headers,
    ...(status !== 204 && { 'content-length': Buffer.byteLength(text) }),
  });
  res.end(req.method === 'HEAD' ? undefined : text);
}
