import { escapeHtml } from '../encoding/html.ts';
import { invitationMail, type MailText, passwordCodeMail } from './mails.ts';

/** A mail in HTML. Its sender puts the user name in place of `{username}`, and the password or the code in place of `{####}`. */
export interface MailTemplate {
  readonly subject: string;
  readonly html: string;
}

/** The mails of a user pool that name what all of its users sign in to. */
export interface MailTemplates {
  readonly invitation: MailTemplate;
  readonly forgottenPassword: MailTemplate;
}

/** @param name what users sign in to: a tenant, the platform or its administration */
export function mailTemplates(name: string): MailTemplates {
  const plain = withoutPlaceholders(name);
  return {
    invitation: toTemplate(invitationMail({ name: plain, userName: '{username}', password: '{####}' })),
    forgottenPassword: toTemplate(passwordCodeMail({ name: plain, code: '{####}' })),
  };
}

/** Escapes everything that people chose. @param link the address in the text that becomes a link. @default - none */
export function toTemplate({ subject, text }: MailText, link?: string): MailTemplate {
  const html = text
    .trimEnd()
    .split('\n')
    .map((line) => `${lineOf(line, link)}<br>\n`)
    .join('');
  return { subject, html };
}

function lineOf(line: string, link: string | undefined): string {
  const escaped = escapeHtml(line);
  if (link === undefined || !line.endsWith(link)) return escaped;
  const address = escapeHtml(link);
  return `${escaped.slice(0, -address.length)}<a href="${address}">${address}</a>`;
}

/** What people chose, without placeholders: the sender would put the password there. */
export function withoutPlaceholders(text: string): string {
  return text.replaceAll('{', '(').replaceAll('}', ')');
}
