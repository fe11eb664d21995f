import { randomBytes } from 'node:crypto';
import { isSameText } from '../adapters/shared/identity/is-same-text.ts';
import type { AdminFile } from './admin.ts';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

const TOKEN_BYTES = 24;
/** Of a token in base64url. */
const TOKEN_LENGTH = 32;

/** The operator's token in `admin.json`. Writes a new one where there is none, or one that could be guessed. */
export function ensureOperatorToken(dir: Pick<DataDir, 'admin'>): string {
  const file = readJson<AdminFile>(dir.admin) ?? {};
  const { operatorToken: known } = file;
  if (typeof known === 'string' && known.length >= TOKEN_LENGTH) return known;
  const operatorToken = randomBytes(TOKEN_BYTES).toString('base64url');
  writePrivate(dir.admin, { ...file, operatorToken } satisfies AdminFile);
  return operatorToken;
}

/**
 * The link that opens a page as the operator: the start page with every tenant, or the mailbox. It contains the token, so
 * show it only to users who can read the data directory.
 */
export function operatorLink(publicUrl: string, path: '/' | `/mailbox${string}`, token: string): string {
  return `${publicUrl}${withToken(path, token)}`;
}

/** `path` with the token in its query. */
export function withToken(path: string, token: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`;
}

/** Whether the query of a request holds the operator's token. */
export function hasToken(query: URLSearchParams, token: string): boolean {
  return isSameText(query.get('token') ?? '', token);
}
