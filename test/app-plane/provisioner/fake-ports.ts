import { DomainError } from '../../../core/errors.ts';
import type { Identity, NewUser, RealmConfig, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import type { ClusterId, Runtime, ServiceKey, ServiceSpec, ServiceStatus } from '../../../core/ports/runtime.ts';

/**
 * Stand-ins for identity and compute that keep real state, so that tests can stop, fail and repeat any call and then
 * look at what is there. The contract suites hold the real ones; here only the provisioner is under test.
 */
export class FakeIdentity implements Identity {
  readonly realms = new Map<RealmId, RealmSpec & RealmConfig>();
  readonly #users = new Map<string, User & { realm: RealmId; invitation?: NewUser['invitation'] }>();

  async ensureRealm(spec: RealmSpec): Promise<RealmConfig> {
    const config = { issuer: `http://front.test/realms/${spec.id}`, clientId: 'tierplane-app' };
    this.realms.set(spec.id, { ...spec, ...config });
    return config;
  }

  async realm(id: RealmId) {
    return this.realms.get(id);
  }

  async deleteRealm(id: RealmId): Promise<void> {
    this.realms.delete(id);
    for (const [key, user] of this.#users) if (user.realm === id) this.#users.delete(key);
  }

  async createUser(realm: RealmId, user: NewUser): Promise<User> {
    const key = `${realm}/${user.userName.toLowerCase()}`;
    if (!this.realms.has(realm)) throw new DomainError('NOT_FOUND', `realm ${realm} does not exist`);
    if (this.#users.has(key)) throw new DomainError('CONFLICT', 'user name is taken');
    const now = new Date(0).toISOString();
    const { password: _, ...rest } = user;
    const made = {
      ...rest,
      realm,
      subject: key,
      enabled: true,
      status: 'CONFIRMED',
      created: now,
      modified: now,
    } as const;
    this.#users.set(key, made);
    return made;
  }

  async user(realm: RealmId, userName: string) {
    return this.#users.get(`${realm}/${userName.toLowerCase()}`);
  }

  async userOf(realm: RealmId, subject: string) {
    return [...this.#users.values()].find((user) => user.realm === realm && user.subject === subject);
  }

  async users(realm: RealmId, { tenantId, limit }: { tenantId?: string; limit: number }) {
    const all = [...this.#users.values()].filter((user) => user.realm === realm);
    return { items: all.filter((user) => tenantId === undefined || user.tenantId === tenantId).slice(0, limit) };
  }

  async deleteTenantUsers(realm: RealmId, tenantId: string): Promise<void> {
    for (const [key, user] of this.#users) {
      if (user.realm === realm && user.tenantId === tenantId) this.#users.delete(key);
    }
  }

  async updateUser(): Promise<User> {
    throw new Error('the provisioner does not update users');
  }

  async setUserEnabled(): Promise<User> {
    throw new Error('the provisioner does not disable users');
  }

  async deleteUser(): Promise<void> {
    throw new Error('the provisioner deletes no single user');
  }

  async stagePassword(): Promise<void> {
    throw new Error('the provisioner stages no password');
  }

  async emailTaken(realm: RealmId, email: string): Promise<boolean> {
    return this.#users.has(`${realm}/${email.toLowerCase()}`);
  }

  usersOf(tenantId: string) {
    return [...this.#users.values()].filter((user) => user.tenantId === tenantId);
  }
}

export class FakeRuntime implements Runtime {
  readonly data = new Set<string>();
  readonly #clusters = new Set<ClusterId>();
  readonly #services = new Map<string, ServiceSpec>();
  /** Services being ensured right now, and the most there ever were, by tier of the cluster. */
  readonly load = { now: 0, most: 0 };

  /** The machine's processes are gone; files stay. */
  die(): void {
    this.#clusters.clear();
    this.#services.clear();
  }

  async ensureCluster(cluster: ClusterId): Promise<void> {
    this.#clusters.add(cluster);
  }

  async deleteCluster(cluster: ClusterId): Promise<void> {
    this.#clusters.delete(cluster);
    for (const [key, service] of this.#services) if (service.cluster === cluster) this.#services.delete(key);
  }

  async clusters(): Promise<readonly ClusterId[]> {
    return [...this.#clusters];
  }

  async ensureService(spec: ServiceSpec): Promise<void> {
    if (!this.#clusters.has(spec.cluster)) throw new DomainError('UNAVAILABLE', `cluster ${spec.cluster} must be up`);
    this.load.most = Math.max(this.load.most, ++this.load.now);
    await new Promise((resolve) => setImmediate(resolve));
    this.load.now--;
    this.#services.set(nameOf(spec), spec);
  }

  async deleteService(key: ServiceKey): Promise<void> {
    this.#services.delete(nameOf(key));
  }

  async services(filter: { cluster?: ClusterId; tenantId?: string } = {}): Promise<readonly ServiceStatus[]> {
    return [...this.#services.values()]
      .filter(({ cluster }) => filter.cluster === undefined || cluster === filter.cluster)
      .filter(({ tenantId }) => filter.tenantId === undefined || tenantId === filter.tenantId)
      .map(({ cluster, tenantId, service }) => ({ cluster, tenantId, service, desired: 0, tasks: [], restarts: 0 }));
  }

  async restartService(): Promise<void> {
    throw new Error('the provisioner restarts no service');
  }

  async scaleService(): Promise<void> {
    throw new Error('the provisioner scales no service');
  }

  async ensureTenantData(tenantId: string): Promise<void> {
    this.data.add(tenantId);
  }

  async deleteTenantData(tenantId: string): Promise<void> {
    this.data.delete(tenantId);
  }

  async hasTenantData(tenantId: string): Promise<boolean> {
    return this.data.has(tenantId);
  }

  specs(): readonly ServiceSpec[] {
    return [...this.#services.values()];
  }
}

function nameOf({ cluster, tenantId, service }: ServiceKey): string {
  return `${cluster}/${tenantId ?? '-'}/${service}`;
}
