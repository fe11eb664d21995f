import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '../../../../core/errors.ts';
import { socketAddress } from '../../../../core/http/client-address.ts';
import { collectBody } from '../../../../core/http/collect-body.ts';
import { forwardedAddress } from '../../../../core/http/forwarded-address.ts';
import { contentSecurityPolicy } from '../../../../web/pages/policy.ts';
import { STYLE } from '../../../../web/pages/style.ts';

const MAX_BODY_BYTES = 16 * 1024;

/** The body of the request as text. Throws TOO_LARGE over 16 KB, after it has read all of it. */
export async function readBody(req: IncomingMessage): Promise<string> {
  const chunks = await collectBody(req as AsyncIterable<Buffer>, MAX_BODY_BYTES);
  if (!chunks) throw new DomainError('TOO_LARGE', `a body must have at most ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

/** The fields of a posted form, or of a flat JSON object. Throws INVALID for anything else. */
export async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  const type = req.headers['content-type'] ?? '';
  if (/^application\/json\b/i.test(type)) return new URLSearchParams(fieldsOf(await readBody(req)));
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) {
    throw new DomainError('INVALID', 'content-type must be application/x-www-form-urlencoded or application/json');
  }
  return new URLSearchParams(await readBody(req));
}

function fieldsOf(json: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(json);
    const fields = Object.entries(value as object).filter(([, field]) => typeof field === 'string');
    return Object.fromEntries(fields) as Record<string, string>;
  } catch (cause) {
    throw new DomainError('INVALID', 'the body must be a JSON object of strings', { cause });
  }
}

/**
 * Resolves when the body of a request has arrived, or more of it than a form can have, or the client has left. Whoever reads
 * the request afterwards gets all of it.
 */
export function bodyArrived(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    function read(): void {
      for (let chunk = req.read(); chunk !== null; chunk = req.complete ? null : req.read()) {
        chunks.push(chunk);
        size += chunk.length;
      }
      if (req.complete || size > MAX_BODY_BYTES) finish();
    }
    function finish(): void {
      req.off('readable', read).off('end', finish).off('close', finish);
      // Before the stream takes note that it is empty and has ended.
      if (size > 0 && !req.destroyed) req.unshift(Buffer.concat(chunks, size));
      resolve();
    }
    req.on('readable', read).on('end', finish).on('close', finish);
  });
}

/** Whether the client requests JSON in place of a page. */
export function acceptsJson(req: IncomingMessage): boolean {
  return /^application\/json\b/i.test(req.headers.accept ?? '');
}

/**
 * Whether another site sent the form. Pages that send no referrer have the origin `null`, and so do sandboxed ones, so
 * `null` alone proves nothing: such forms need a token.
 */
export function isForeignOrigin({ headers: { origin } }: IncomingMessage, publicUrl: string): boolean {
  return origin !== undefined && origin !== new URL(publicUrl).origin;
}

/** The address of the client, which the gateway has found. Limits count `clientGroup` of it. */
export function clientAddress({ headers, socket }: IncomingMessage): string {
  return forwardedAddress(headers['x-forwarded-for']?.toString()) ?? socketAddress(socket.remoteAddress);
}

/**
 * Sets the headers of every response of a realm. Its pages run no script, load nothing and cannot be framed.
 * @param formTargets origins to which a form may redirect: browsers apply `form-action` to redirects too
 */
export function setSecurityHeaders(res: ServerResponse, formTargets: readonly string[]): void {
  const policy = contentSecurityPolicy({
    styles: [STYLE],
    directives: {
      // oidc-provider adds the hash of its self-submitting form here.
      'script-src': "'self'",
      'form-action': ["'self'", ...formTargets].join(' '),
    },
  });
  res.setHeader('content-security-policy', policy);
  res.setHeader('x-content-type-options', 'nosniff');
  res.setHeader('x-frame-options', 'DENY');
  // With no-referrer, browsers would send `Origin: null` with our own forms.
  res.setHeader('referrer-policy', 'same-origin');
  res.setHeader('cache-control', 'no-store');
}

/** The source that allows a redirect to `uri` in `form-action`. */
export function formTarget(uri: string): string {
  const { protocol, origin, hostname } = new URL(uri);
  if (origin === 'null') return protocol;
  // Native clients listen on any port (RFC 8252, section 7.3).
  return hostname === '127.0.0.1' ? `${protocol}//${hostname}:*` : origin;
}

export function sendHtml(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(html) });
  res.end(html);
}

export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (status === 204) {
    res.writeHead(204, headers).end();
    return;
  }
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  res.end(text);
}

export function redirect(res: ServerResponse, location: string): void {
  res.writeHead(303, { location, 'content-length': 0 }).end();
}
