import { html } from './html.ts';
import { frameOf, type PageFrame, page } from './layout.ts';
import { sentence } from './sentence.ts';

export interface ErrorModel extends PageFrame {
  /** What happened, in a few words. */
  readonly title: string;
  /** What the error means and what to do. */
  readonly text: string;
  /** A code to report to support. It must not contain secrets. */
  readonly code?: string;
  readonly link?: { readonly text: string; readonly href: string };
}

export function errorPage(model: ErrorModel): string {
  const { title, text, code, homeHref = '/', link = { text: 'Start page', href: homeHref } } = model;
  return page({
    ...frameOf(model),
    title,
    width: 'narrow',
    body: html`<div class="card panel" data-page="error">
<header><h1>${title}</h1><p class="muted">${sentence(text)}</p></header>
${code && html`<p class="small muted">Code: <code>${code}</code></p>`}
<div class="actions"><a class="button" href="${link.href}">${link.text}</a></div>
</div>`,
  });
}
