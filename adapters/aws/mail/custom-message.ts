import * as z from 'zod';
import { MAX_SLUG_LENGTH } from '../../../core/fields/slug.ts';
import { type MailTemplate, toTemplate, withoutPlaceholders } from '../../../core/identity/mail-templates.ts';
import { invitationMail, passwordCodeMail, signInLink } from '../../../core/identity/mails.ts';
import type { MailTenant } from '../../../core/ports/identity.ts';
import { RegisteredTenantName } from '../../../core/tenant/names.ts';

/** The fields of Cognito's event that the mail depends on. */
const TriggerEvent = z.object({
  triggerSource: z.string(),
  userName: z.string(),
  request: z.object({
    /** Stands for the temporary password or the code, which only Cognito knows. */
    codeParameter: z.string(),
    /** Stands for the user name. Null where the mail needs none. */
    usernameParameter: z.string().nullish(),
    userAttributes: z.object({ sub: z.string().optional() }).optional(),
    clientMetadata: z.unknown().optional(),
  }),
});
type TriggerEvent = z.output<typeof TriggerEvent>;

/** What `UserPools` passes to Cognito with an invitation. Cognito refuses characters of other categories in a subject. */
const Metadata = z.object({
  tenantName: RegisteredTenantName.pipe(z.string().regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}\s]+$/u)),
  slug: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    .max(MAX_SLUG_LENGTH),
}) satisfies z.ZodType<MailTenant>;

/** A mail in the form in which a function returns it to Cognito, which replaces the placeholders. */
export interface CustomMessage {
  readonly emailSubject: string;
  /** HTML. */
  readonly emailMessage: string;
}

export interface CustomMessageOptions {
  /** The page where tenants' users sign in, without a query. */
  readonly signInPage: string;
  /**
   * The tenant of the pooled user with this `sub`. Mails about forgotten passwords come without metadata.
   * Undefined: the pool's own texts, which name its realm, are sent.
   */
  readonly tenantOf: (subject: string) => Promise<MailTenant | undefined>;
}

/**
 * The mail that Cognito sends for this event, in the name of the user's tenant. Undefined where the tenant is unknown, the
 * metadata are not valid, or the mail is of another kind: then Cognito sends the pool's own text (`mailTemplates`).
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html
 */
export async function customMessage(
  event: unknown,
  { signInPage, tenantOf }: CustomMessageOptions,
): Promise<CustomMessage | undefined> {
  const parsed = TriggerEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const { triggerSource, request } = parsed.data;
  const metadata = Metadata.safeParse(request.clientMetadata);
  switch (triggerSource) {
    case 'CustomMessage_AdminCreateUser':
      return metadata.success ? invitation(parsed.data, metadata.data, signInPage) : undefined;
    case 'CustomMessage_ForgotPassword': {
      const subject = request.userAttributes?.sub;
      const tenant = metadata.success ? metadata.data : subject && (await tenantOf(subject));
      return tenant ? forgottenPassword(parsed.data, tenant) : undefined;
    }
    default:
      return undefined;
  }
}

function invitation(
  { userName, request: { codeParameter, usernameParameter } }: TriggerEvent,
  tenant: MailTenant,
  signInPage: string,
): CustomMessage {
  const signInUrl = signInLink(signInPage, { userName, tenant });
  const name = withoutPlaceholders(tenant.tenantName);
  // Cognito refuses an invitation without both placeholders.
  const mail = { name, userName: usernameParameter ?? '{username}', password: codeParameter, signInUrl };
  return toMessage(toTemplate(invitationMail(mail), signInUrl));
}

function forgottenPassword(
  { userName, request: { codeParameter } }: TriggerEvent,
  { tenantName }: MailTenant,
): CustomMessage {
  const names = { name: withoutPlaceholders(tenantName), userName: withoutPlaceholders(userName) };
  return toMessage(toTemplate(passwordCodeMail({ ...names, code: codeParameter })));
}

function toMessage({ subject, html }: MailTemplate): CustomMessage {
  return { emailSubject: subject, emailMessage: html };
}
