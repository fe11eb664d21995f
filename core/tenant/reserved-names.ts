import { slugOf } from '../fields/slug.ts';

/** Names that people take for a part of the platform rather than for a tenant. */
export const RESERVED_NAMES = ['www', 'admin', 'api', 'app', 'auth', 'localhost', 'mail', 'status'] as const;

const IP_ADDRESS = /^(?:[\d.]+|\[.*\])$/;

/**
 * The slugs that no new tenant may have: those of `names` and of the platform's own hosts. Of a host name, the first label is
 * reserved too, because `/tenant-config` takes the first label of an origin for the name of a tenant.
 *
 * @param urls the public URLs of the platform
 */
export function reservedSlugs(names: readonly string[], urls: readonly string[] = []): ReadonlySet<string> {
  const hosts = urls.map((url) => new URL(url).hostname);
  const labels = hosts.filter((host) => !IP_ADDRESS.test(host)).map((host) => host.split('.')[0] ?? '');
  return new Set([...names, ...hosts, ...labels].map(slugOf).filter((slug) => slug !== ''));
}
