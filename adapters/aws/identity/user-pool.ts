import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  AdminUserGlobalSignOutCommand,
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  type LambdaConfigType,
  ListUserPoolClientsCommand,
  ListUserPoolsCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { crockfordText } from '../../../core/encoding/crockford.ts';
import { DomainError } from '../../../core/errors.ts';
import { fold } from '../../../core/fields/user-name.ts';
import { APP_CLIENT, USER_POOL_TAG } from '../../../core/identity/issuers.ts';
import { mailTemplates } from '../../../core/identity/mail-templates.ts';
import { MIN_PASSWORD_LENGTH } from '../../../core/identity/password-policy.ts';
import type { RandomBytes } from '../../../core/ports/clock.ts';
import type { MailTenant, NewUser, RealmSpec, User } from '../../../core/ports/identity.ts';
import { asDomainError, throwAs } from '../store/errors.ts';
import { completePool, removePool, signInByPage } from './own-pool.ts';
import { type PoolUser, replacePassword } from './replace-password.ts';

const fail = throwAs('Cognito');

/** The calls of Cognito that identity needs. Each may be repeated, and throws UNAVAILABLE if a later attempt may succeed. */
export interface UserPools {
  /** Finds or creates the user pool of the realm, and its public client. */
  ensurePool(spec: RealmSpec): Promise<{ readonly userPoolId: string; readonly clientId: string }>;
  deletePool(userPoolId: string): Promise<void>;
  /**
   * Creates the user, or replaces one of the same name. Without a password, Cognito mails an invitation.
   * @returns the `sub` of the user's tokens
   */
  createUser(userPoolId: string, user: NewUser, password: string | undefined): Promise<string>;
  /** Mails a new temporary password to a user who has never signed in. The one before is void. */
  inviteAgain(userPoolId: string, user: Pick<User, 'userName'>, tenant?: MailTenant): Promise<void>;
  /** Sets a password that the user has chosen. */
  setPassword(userPoolId: string, userName: string, password: string): Promise<void>;
  /** Replaces a known password. Throws CONFLICT if the user's password is another one, so nothing is overwritten. */
  replacePassword(user: PoolUser, replaced: string, password: string): Promise<void>;
  /** Revokes the user's refresh tokens. */
  signOut(userPoolId: string, userName: string): Promise<void>;
  /** The user's status, or undefined if unknown. */
  statusOf(userPoolId: string, userName: string): Promise<User['status'] | undefined>;
  setEmail(userPoolId: string, userName: string, email: string): Promise<void>;
  /** Also ends the sessions of a disabled user. */
  setEnabled(userPoolId: string, userName: string, enabled: boolean): Promise<void>;
  deleteUser(userPoolId: string, userName: string): Promise<void>;
}

const PAGE = 60;

export interface UserPoolsOptions {
  /** The environment's prefix of the names of user pools. */
  readonly prefix: string;
  /** Makes temporary passwords. */
  readonly random: RandomBytes;
  /**
   * The page where tenants' users sign in. New clients may redirect to it, and new pools of a tenant's own get managed login
   * with a domain. @default - users can sign in only with permissions of IAM
   */
  readonly signInPage?: string;
  /** Whether users of new pools of a tenant's own must use a second factor. @default 'optional' - each user decides */
  readonly secondFactor?: 'optional' | 'required';
  /** The functions that new user pools invoke. @default - none */
  readonly triggers?: UserPoolTriggers;
}

/** ARNs of functions that allow Cognito to invoke them for the environment's user pools. */
export interface UserPoolTriggers {
  /** Writes the mails (app-plane/lambda/custom-message.ts). @default - the pool's own texts, which name the realm */
  readonly customMessage?: string;
  /** Adds the claims that `authorize` requires to access tokens. @default - tokens have Cognito's claims only */
  readonly preToken?: string;
}

export function openUserPools(cognito: CognitoIdentityProviderClient, options: UserPoolsOptions): UserPools {
  const { prefix, random } = options;

  async function deleteUser(userPoolId: string, userName: string): Promise<void> {
    const input = { UserPoolId: userPoolId, Username: fold(userName) };
    await cognito.send(new AdminDeleteUserCommand(input)).catch(unless('UserNotFoundException'));
  }

  async function create(UserPoolId: string, user: NewUser, password: string | undefined): Promise<string | undefined> {
    const Username = fold(user.userName);
    const command = new AdminCreateUserCommand({
      ...{ UserPoolId, Username },
      UserAttributes: [
        { Name: 'email', Value: user.email },
        { Name: 'email_verified', Value: 'true' },
      ],
      ...(password === undefined ? { DesiredDeliveryMediums: ['EMAIL'] } : { MessageAction: 'SUPPRESS' }),
      ...metadataOf(user.invitation),
    });
    const response = await cognito.send(command).catch(unless('UsernameExistsException'));
    return response?.User?.Attributes?.find(({ Name }) => Name === 'sub')?.Value;
  }

  async function setPassword(UserPoolId: string, userName: string, Password: string, Permanent = true): Promise<void> {
    const input = { UserPoolId, Username: fold(userName), Password, Permanent };
    await cognito.send(new AdminSetUserPasswordCommand(input)).catch(fail);
  }

  async function signOut(UserPoolId: string, userName: string): Promise<void> {
    await cognito.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: fold(userName) })).catch(fail);
  }

  return {
    async ensurePool(spec) {
      const name = `${prefix}-${spec.id}`;
      const userPoolId = (await findPool(cognito, name)) ?? (await createPool(cognito, { name, spec, ...options }));
      const clientId = (await findClient(cognito, userPoolId)) ?? (await createClient(cognito, userPoolId, options));
      const { tenantId } = spec;
      if (tenantId !== undefined && options.signInPage !== undefined) {
        await completePool(cognito, { userPoolId, tenantId, secondFactor: options.secondFactor ?? 'optional' });
      }
      return { userPoolId, clientId };
    },

    deletePool: (userPoolId) => removePool(cognito, userPoolId),

    async createUser(userPoolId, user, password) {
      let subject = await create(userPoolId, user, password);
      if (subject === undefined) {
        // An earlier creation did not complete. The caller has reserved the name, so no other user has it.
        await deleteUser(userPoolId, user.userName);
        subject = required('subject', await create(userPoolId, user, password));
      }
      if (password !== undefined) await setPassword(userPoolId, user.userName, password);
      return subject;
    },

    async inviteAgain(UserPoolId, { userName }, tenant) {
      const TemporaryPassword = temporaryPassword(random);
      // RESEND alone may mail the password before it again, which would stay valid.
      await setPassword(UserPoolId, userName, TemporaryPassword, false);
      const command = new AdminCreateUserCommand({
        ...{ UserPoolId, Username: fold(userName), TemporaryPassword },
        ...{ MessageAction: 'RESEND', DesiredDeliveryMediums: ['EMAIL'] },
        ...metadataOf(tenant),
      });
      await cognito.send(command).catch(fail);
    },

    setPassword: (userPoolId, userName, password) => setPassword(userPoolId, userName, password),
    replacePassword: (user, replaced, password) => replacePassword(cognito, user, replaced, password),
    signOut,

    async statusOf(UserPoolId, userName) {
      const input = { UserPoolId, Username: fold(userName) };
      const user = await cognito.send(new AdminGetUserCommand(input)).catch(unless('UserNotFoundException'));
      if (!user) return undefined;
      return user.UserStatus === 'CONFIRMED' ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD';
    },

    async setEmail(UserPoolId, userName, email) {
      const UserAttributes = [
        { Name: 'email', Value: email },
        { Name: 'email_verified', Value: 'true' },
      ];
      const input = { UserPoolId, Username: fold(userName), UserAttributes };
      await cognito.send(new AdminUpdateUserAttributesCommand(input)).catch(fail);
    },

    async setEnabled(UserPoolId, userName, enabled) {
      const input = { UserPoolId, Username: fold(userName) };
      if (enabled) await cognito.send(new AdminEnableUserCommand(input)).catch(fail);
      else {
        await cognito.send(new AdminDisableUserCommand(input)).catch(fail);
        await signOut(UserPoolId, userName);
      }
    },

    deleteUser,
  };
}

/** 130 random bits, after the four classes of characters that the pools' password policy requires. */
function temporaryPassword(random: RandomBytes): string {
  return `Tp1-${crockfordText(random(26))}`;
}

/** What the function that writes the pool's mails receives. */
function metadataOf(tenant: MailTenant | undefined): { readonly ClientMetadata?: Record<string, string> } {
  return tenant ? { ClientMetadata: { ...tenant } } : {};
}

async function findPool(cognito: CognitoIdentityProviderClient, name: string): Promise<string | undefined> {
  for (let NextToken: string | undefined; ; ) {
    const page = await cognito.send(new ListUserPoolsCommand({ MaxResults: PAGE, NextToken })).catch(fail);
    const found = page.UserPools?.find((pool) => pool.Name === name);
    if (found || !page.NextToken) return found?.Id;
    NextToken = page.NextToken;
  }
}

/** Users sign in with the user name, which is the email of a tenant's users. Users cannot sign themselves up. */
async function createPool(
  cognito: CognitoIdentityProviderClient,
  { name, prefix, spec, triggers = {} }: UserPoolsOptions & { readonly name: string; readonly spec: RealmSpec },
): Promise<string> {
  const { invitation, forgottenPassword } = mailTemplates(spec.displayName);
  const command = new CreateUserPoolCommand({
    PoolName: name,
    UserPoolTags: { [USER_POOL_TAG]: prefix, ...(spec.tenantId !== undefined && { TenantId: spec.tenantId }) },
    // A tenant's own pool goes only with the tenant.
    ...(spec.tenantId !== undefined && { DeletionProtection: 'ACTIVE' as const }),
    UsernameConfiguration: { CaseSensitive: false },
    AutoVerifiedAttributes: ['email'],
    // The account pages mail a link instead. Cognito's own way is valid for longer, and ends no sessions.
    AccountRecoverySetting: { RecoveryMechanisms: [{ Name: 'admin_only', Priority: 1 }] },
    AdminCreateUserConfig: {
      AllowAdminCreateUserOnly: true,
      InviteMessageTemplate: { EmailSubject: invitation.subject, EmailMessage: invitation.html },
    },
    VerificationMessageTemplate: {
      DefaultEmailOption: 'CONFIRM_WITH_CODE',
      EmailSubject: forgottenPassword.subject,
      EmailMessage: forgottenPassword.html,
    },
    LambdaConfig: lambdaConfig(triggers),
    Policies: {
      PasswordPolicy: {
        MinimumLength: MIN_PASSWORD_LENGTH,
        ...{ RequireLowercase: true, RequireUppercase: true, RequireNumbers: true, RequireSymbols: true },
        TemporaryPasswordValidityDays: 7,
      },
    },
  });
  const { UserPool } = await cognito.send(command).catch(fail);
  return required('user pool id', UserPool?.Id);
}

function lambdaConfig({ customMessage, preToken }: UserPoolTriggers): LambdaConfigType {
  return {
    ...(customMessage !== undefined && { CustomMessage: customMessage }),
    // Only from version 2 on may the function add claims to access tokens.
    ...(preToken !== undefined && { PreTokenGenerationConfig: { LambdaVersion: 'V2_0', LambdaArn: preToken } }),
  };
}

async function findClient(cognito: CognitoIdentityProviderClient, UserPoolId: string): Promise<string | undefined> {
  const { UserPoolClients } = await cognito.send(new ListUserPoolClientsCommand({ UserPoolId })).catch(fail);
  return UserPoolClients?.find(({ ClientName }) => ClientName === APP_CLIENT)?.ClientId;
}

/**
 * A public client: code with PKCE, no implicit flow. Users can write only an attribute that no decision relies on. Sign-in
 * with only a password needs permissions of IAM: so the change of a password checks the current one.
 */
async function createClient(
  cognito: CognitoIdentityProviderClient,
  UserPoolId: string,
  { signInPage }: UserPoolsOptions,
): Promise<string> {
  const command = new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: APP_CLIENT,
    GenerateSecret: false,
    ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_ADMIN_USER_PASSWORD_AUTH'],
    PreventUserExistenceErrors: 'ENABLED',
    EnableTokenRevocation: true,
    ReadAttributes: ['email', 'email_verified', 'name'],
    WriteAttributes: ['name'],
    AccessTokenValidity: 10,
    IdTokenValidity: 10,
    TokenValidityUnits: { AccessToken: 'minutes', IdToken: 'minutes' },
    ...(signInPage !== undefined && signInByPage(signInPage)),
  });
  const { UserPoolClient } = await cognito.send(command).catch(fail);
  return required('client id', UserPoolClient?.ClientId);
}

/** An id that Cognito always returns, although the SDK's types declare it optional. */
function required(what: string, value: string | undefined): string {
  if (!value) throw new DomainError('UNAVAILABLE', `Cognito must return the ${what} of what it creates, got none`);
  return value;
}

/** Turns one kind of error into undefined. */
function unless(name: string): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof Error) || error.name !== name) throw asDomainError('Cognito', error);
    return undefined;
  };
}
