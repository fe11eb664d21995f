import {
  type EmbeddedClientCredentials,
  openClientCredentials,
} from '../adapters/embedded/identity/client-credentials.ts';
import { type EmbeddedIdentity, openIdentity } from '../adapters/embedded/identity/identity.ts';
import { loadIdentitySecrets } from '../adapters/embedded/identity/identity-secrets.ts';
import { createRealms, type Realms } from '../adapters/embedded/identity/oidc/realms.ts';
import { createPasswords } from '../adapters/embedded/identity/passwords.ts';
import { type EmbeddedMailer, openMailer } from '../adapters/embedded/mail/mailer.ts';
import { createMailLimits, type MailLimits } from '../core/identity/users/mail-limits.ts';
import { mailRatesOf } from './config.ts';
import type { PlatformStore } from './open-store.ts';
import type { Urls } from './running.ts';
import type { StartContext } from './start-context.ts';
import { nameOfSlug, tenantClaims } from './tenant-lookups.ts';

export interface IdentityParts {
  readonly identity: EmbeddedIdentity;
  readonly credentials: EmbeddedClientCredentials;
  readonly mailer: EmbeddedMailer;
  readonly mailLimits: MailLimits;
  /** The OpenID providers of all realms. */
  readonly realms: Realms;
}

export async function openIdentityParts(
  { config, clock, random, log, cleanUp }: StartContext,
  { table }: PlatformStore,
  { publicUrl }: Urls,
): Promise<IdentityParts> {
  const smtp = config.smtp && { smtp: config.smtp };
  const mailer = openMailer({ table, clock, random, log, ...smtp });
  cleanUp.defer(() => mailer.close());
  const secrets = await loadIdentitySecrets(table, random);
  const passwords = createPasswords({ temporaryKey: secrets.temporaryKey, clock, random });
  const mailLimits = createMailLimits(clock, mailRatesOf(config));
  const identity = openIdentity({ table, mailer, mailLimits, passwords, clock, random, publicUrl });
  const credentials = openClientCredentials({ table, clock, random });
  const realms = createRealms({
    table,
    credentials,
    identity,
    mailer,
    mailLimits,
    passwords,
    secrets,
    clock,
    random,
    log,
    publicUrl,
    tenantClaims: (tenantId) => tenantClaims(table, tenantId),
    tenantNameOf: (slug) => nameOfSlug({ table, clock, random }, slug),
    adminClients: config.adminClients ?? [],
    // Pages that call the tenants' API sign their users in, too.
    corsOrigins: [...(config.corsOrigins ?? []), ...(config.gateway.corsOrigins ?? [])],
  });
  return { identity, credentials, mailer, mailLimits, realms };
}
