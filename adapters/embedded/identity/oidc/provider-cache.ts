import type { Provider } from 'oidc-provider';
import { Lru } from '../../../../core/collections/lru.ts';
import { DomainError } from '../../../../core/errors.ts';
import type { RealmId, RealmSpec } from '../../../../core/ports/identity.ts';
import { realmKeysKey } from '../realm-keys.ts';
import { createProvider, type ProviderOptions } from './provider.ts';

/** Providers in memory. Another one is created on demand, within a few milliseconds. */
const MAX_PROVIDERS = 50;

/** The OpenID providers of the realms that were used last. */
export class ProviderCache {
  readonly #options: Omit<ProviderOptions, 'spec' | 'keys'>;
  readonly #providers = new Lru<{ readonly spec: RealmSpec; readonly provider: Provider }>(MAX_PROVIDERS);

  constructor(options: Omit<ProviderOptions, 'spec' | 'keys'>) {
    this.#options = options;
  }

  /** The provider of a realm that exists, under its current display name. */
  async get(spec: RealmSpec): Promise<Provider> {
    const known = this.#providers.get(spec.id);
    if (known?.spec.displayName === spec.displayName) return known.provider;
    const keys = await this.#options.table.get(realmKeysKey(spec.id));
    if (!keys) throw new DomainError('INTERNAL', `realm '${spec.id}' has no keys`);
    const provider = createProvider({ ...this.#options, spec, keys: keys.data });
    this.#providers.set(spec.id, { spec, provider });
    return provider;
  }

  delete(realm: RealmId): void {
    this.#providers.delete(realm);
  }
}
