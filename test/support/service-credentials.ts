import { DomainError } from '../../core/errors.ts';
import type { Credentials } from '../../core/ports/credentials.ts';
import type { RealmSpec, User } from '../../core/ports/identity.ts';

interface Account {
  readonly subject: string;
  readonly email: string;
  password: string;
  status: User['status'];
  sessions: number;
}

type FailingMethod =
  | 'issue'
  | 'invite'
  | 'setPassword'
  | 'endSessions'
  | 'withdraw'
  | 'emailChanged'
  | 'enabledChanged';

/** A password that only this fake reads back. */
export interface MemorySecret {
  readonly sealed: string;
}

/** A credentials service beside the table, like Cognito, in memory. A test can make its next calls fail. */
export class ServiceCredentials implements Credentials<MemorySecret, RealmSpec> {
  readonly keptIn = 'service';
  /** By realm and lower-case user name. */
  readonly accounts = new Map<string, Account>();
  readonly realms = new Set<string>();
  /** Methods called so far. */
  readonly calls: string[] = [];
  /** Methods whose next call fails before it takes effect. */
  readonly failing = new Set<FailingMethod>();
  #subjects = 0;
  #invitations = 0;

  async prepareRealm(realm: RealmSpec) {
    this.realms.add(realm.id);
    return { realm, writes: [] };
  }

  configOf({ id }: RealmSpec) {
    return { issuer: `http://service.test/${id}`, clientId: 'client' };
  }

  async deleteRealm({ id }: RealmSpec) {
    this.realms.delete(id);
    for (const key of this.accounts.keys()) if (key.startsWith(`${id}/`)) this.accounts.delete(key);
    return [];
  }

  async protect(tenantId: string, password: string) {
    return { sealed: Buffer.from(`${tenantId}\n${password}`).toString('base64') };
  }

  async issue(...[realm, user, chosen]: Parameters<Credentials<MemorySecret, RealmSpec>['issue']>) {
    this.#called('issue');
    const password =
      chosen === undefined ? 'temporary' : chosen.kind === 'clear' ? chosen.password : open(chosen.secret);
    const subject = `subject-${++this.#subjects}`;
    const status = chosen ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD';
    this.accounts.set(keyOf(realm, user), { subject, email: user.email, password, status, sessions: 0 });
    return { subject, writes: [] };
  }

  async invite(...[realm, user]: Parameters<Credentials<MemorySecret, RealmSpec>['invite']>) {
    this.#called('invite');
    const account = this.account(realm.id, user.userName);
    if (account) account.password = `temporary-${++this.#invitations}`;
    return { writes: [] };
  }

  async setPassword(realm: RealmSpec, user: User, password: string, replaced?: string) {
    this.#called('setPassword');
    const account = this.account(realm.id, user.userName);
    if (replaced !== undefined && account?.password !== replaced) {
      throw new DomainError('CONFLICT', 'the account has changed meanwhile');
    }
    if (account) Object.assign(account, { password, status: 'CONFIRMED' });
    return { writes: [] };
  }

  async endSessions(realm: RealmSpec, user: User) {
    this.#called('endSessions');
    const account = this.account(realm.id, user.userName);
    if (account) account.sessions = 0;
  }

  async statusOf(realm: RealmSpec, user: User) {
    return this.accounts.get(keyOf(realm, user))?.status ?? user.status;
  }

  async emailChanged() {
    this.#called('emailChanged');
  }

  async enabledChanged(realm: RealmSpec, user: User) {
    this.#called('enabledChanged');
    const account = this.accounts.get(keyOf(realm, user));
    if (account && !user.enabled) account.sessions = 0;
  }

  async withdraw(realm: RealmSpec, user: User, { realmFollows }: { readonly realmFollows: boolean }) {
    this.#called('withdraw');
    if (!realmFollows) this.accounts.delete(keyOf(realm, user));
    return [];
  }

  account(realm: RealmSpec['id'], userName: string): Account | undefined {
    return this.accounts.get(`${realm}/${userName.toLowerCase()}`);
  }

  #called(method: FailingMethod): void {
    this.calls.push(method);
    if (this.failing.delete(method)) throw new Error(`${method} failed`);
  }
}

function keyOf({ id }: RealmSpec, { userName }: { readonly userName: string }): string {
  return `${id}/${userName.toLowerCase()}`;
}

function open({ sealed }: MemorySecret): string {
  return Buffer.from(sealed, 'base64').toString().split('\n')[1] ?? '';
}
