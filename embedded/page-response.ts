import type { ServerResponse } from 'node:http';
import { contentSecurityPolicy } from '../web/pages/policy.ts';
import { STYLE } from '../web/pages/style.ts';

const POLICY = contentSecurityPolicy({ styles: [STYLE] });

/** Sends a page of the platform. It runs no script, loads nothing from elsewhere, and cannot be framed or cached. */
export function sendPage(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(html),
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    // The operator's links contain a token.
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  res.end(html);
}
