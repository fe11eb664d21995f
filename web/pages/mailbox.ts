import { html } from './html.ts';
import { page } from './layout.ts';

export interface MailModel {
  readonly href: string;
  readonly to: string;
  readonly subject: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  readonly text: string;
  /** `kept`: there is no mail server, it is read here. */
  readonly delivery: 'waiting' | 'delivered' | 'kept' | 'failed';
}

export interface MailboxModel {
  /** Newest first. */
  readonly mails: readonly MailModel[];
  /** Of the page with older mails. */
  readonly olderHref?: string;
  /** true: mail leaves by SMTP and only its heads are kept. */
  readonly smtp: boolean;
}

const NAV = [{ text: 'Start page', href: '/' }];

/** Mails hold temporary passwords: show this page to the machine's own user only. */
export function mailboxPage({ mails, olderHref, smtp }: MailboxModel): string {
  return page({
    title: 'Mailbox',
    width: 'wide',
    nav: NAV,
    body: html`<section class="section"><header class="hero"><h1>Mailbox</h1><p class="muted">${
      smtp
        ? 'Mail is sent by SMTP; here is what was sent to whom.'
        : 'No mail server is configured, so mail to your users stays here.'
    }</p></header>
${
  mails.length === 0
    ? html`<p class="card empty">No mail yet. Invite someone: the invitation shows up here.</p>`
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

/** One mail; links in it can be followed. */
export function mailPage(mail: MailModel, mailboxHref: string): string {
  return page({
    title: mail.subject,
    width: 'wide',
    nav: [...NAV, { text: 'Mailbox', href: mailboxHref }],
    body: html`<article class="section"><header class="hero"><h1>${mail.subject}</h1></header>
<div class="card tile"><dl class="facts"><dt>To</dt><dd>${mail.to}</dd><dt>Sent</dt><dd>${time(mail.sentAt)}</dd>
<dt>Delivery</dt><dd>${delivery(mail.delivery)}</dd></dl></div>
${mail.text === '' ? html`<p class="card empty">The text was sent and is not kept.</p>` : html`<pre class="letter">${linked(mail.text)}</pre>`}
</article>`,
  });
}

function time(iso: string) {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function delivery(state: MailModel['delivery']) {
  const look = { delivered: 'ok', kept: 'ok', waiting: 'wait', failed: 'down' }[state];
  return html`<span class="pill ${look}">${state === 'kept' ? 'kept here' : state}</span>`;
}

function linked(text: string) {
  // With a group in it, split() keeps what it splits at: every second part is a link.
  return text.split(/(https?:\/\/[^\s<>"']+)/).map((part, i) => (i % 2 ? html`<a href="${part}">${part}</a>` : part));
}
