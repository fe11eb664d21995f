import { html } from './html.ts';
import { page } from './layout.ts';

export interface MailModel {
  readonly href: string;
  readonly to: string;
  readonly subject: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  readonly text: string;
  /** `kept` means that there is no mail server and the mail can only be read here. */
  readonly delivery: 'waiting' | 'delivered' | 'kept' | 'failed';
}

export interface MailboxModel {
  /** Newest first. */
  readonly mails: readonly MailModel[];
  /** The link to the page with older mails. */
  readonly olderHref?: string;
  /** Whether mail is sent by SMTP. Only subject and recipient of sent mail are kept. */
  readonly smtp: boolean;
  readonly startHref: string;
}

/** Mails contain temporary passwords, so only the operator may see this page. */
export function mailboxPage({ mails, olderHref, smtp, startHref }: MailboxModel): string {
  return page({
    title: 'Mailbox',
    width: 'wide',
    nav: [startLink(startHref)],
    body: html`<section class="section"><header class="hero"><h1>Mailbox</h1><p class="muted">${
      smtp
        ? 'Mail is sent by SMTP. This page lists the subject and recipient of each mail.'
        : 'No mail server is configured, so you can read mail to your users here.'
    }</p></header>
${
  mails.length === 0
    ? html`<p class="card empty">No mail yet. Invitations to users appear here.</p>`
    : html`<div class="card scroll" tabindex="0" role="region" aria-label="Mails"><table>
<thead><tr><th scope="col">Subject</th><th scope="col">To</th><th scope="col">Sent</th><th scope="col">Delivery</th></tr></thead>
<tbody>${mails.map(
        (mail) => html`<tr><td class="wrap"><a href="${mail.href}">${mail.subject}</a></td>
<td class="wrap" data-label="To">${mail.to}</td><td data-label="Sent">${time(mail.sentAt)}</td>
<td data-label="Delivery">${delivery(mail.delivery)}</td></tr>`,
      )}</tbody></table></div>`
}
${olderHref !== undefined && html`<p><a class="button quiet" href="${olderHref}">Older mail</a></p>`}
</section>`,
  });
}

/** One mail, with clickable links. */
export function mailPage(
  mail: MailModel,
  { mailboxHref, startHref }: { readonly mailboxHref: string; readonly startHref: string },
): string {
  return page({
    title: mail.subject,
    width: 'wide',
    nav: [startLink(startHref), { text: 'Mailbox', href: mailboxHref }],
    body: html`<article class="section"><header class="hero"><h1>${mail.subject}</h1></header>
<div class="card tile"><dl class="facts"><dt>To</dt><dd>${mail.to}</dd><dt>Sent</dt><dd>${time(mail.sentAt)}</dd>
<dt>Delivery</dt><dd>${delivery(mail.delivery)}</dd></dl></div>
${mail.text === '' ? html`<p class="card empty">The text was sent and is not stored here.</p>` : html`<pre class="letter">${linked(mail.text)}</pre>`}
</article>`,
  });
}

function startLink(href: string) {
  return { text: 'Start page', href };
}

function time(iso: string) {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function delivery(state: MailModel['delivery']) {
  const look = { delivered: 'ok', kept: 'ok', waiting: 'wait', failed: 'down' }[state];
  return html`<span class="pill ${look}">${state === 'kept' ? 'kept here' : state}</span>`;
}

function linked(text: string) {
  // Because of the group, split() keeps the separators: every second part is a link.
  return text.split(/(https?:\/\/[^\s<>"']+)/).map((part, i) => (i % 2 ? html`<a href="${part}">${part}</a>` : part));
}
