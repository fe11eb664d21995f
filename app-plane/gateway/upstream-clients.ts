import { OwnUpstream } from './upstream/own/own-upstream.ts';
import type { CreateUpstream } from './upstream/upstream.ts';

/** The HTTP clients for requests to tasks; see docs/decisions/0009. */
export const UPSTREAM_CLIENTS = ['own', 'undici'] as const;
export type UpstreamClient = (typeof UPSTREAM_CLIENTS)[number];

/** Loads undici only if it is chosen, because loading it takes time and memory. */
export async function loadUpstreamClient(client: UpstreamClient): Promise<CreateUpstream> {
  if (client === 'own') return (socketPath, limits) => new OwnUpstream(socketPath, limits);
  const { UndiciUpstream } = await import('./upstream/undici/undici-upstream.ts');
  return (socketPath, limits) => new UndiciUpstream(socketPath, limits);
}
