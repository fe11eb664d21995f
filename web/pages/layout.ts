import { defined } from '../../core/defined.ts';
import { type Html, html, trusted } from './html.ts';
import { STYLE } from './style.ts';

export interface Layout {
  /** The title of the browser tab, before the product's name. */
  readonly title: string;
  /** `narrow` centers a single card; `wide` stacks sections. */
  readonly width: 'narrow' | 'wide';
  readonly body: Html;
  /** Links at the top, after the product's name. @default - none */
  readonly nav?: readonly { readonly text: string; readonly href: string }[];
  /** The link of the product's name; undefined for no link. @default '/' */
  readonly homeHref?: string | undefined;
  /** Additional style rules. @default - none */
  readonly style?: string;
  /** @default - none */
  readonly script?: string;
}

/** What pages of several sites take in addition to their own model. */
export interface PageFrame {
  /** The link of the product's name. @default '/' */
  readonly homeHref?: string;
}

export function frameOf({ homeHref }: PageFrame): PageFrame {
  return defined({ homeHref });
}

/** Three stacked planes, which stand for the tiers. */
const LOGO = html`<svg viewBox="0 0 24 24" fill="none" aria-hidden="true"><path d="M12 2 22 7 12 12 2 7Z"
  fill="currentColor"/><path d="m2 12 10 5 10-5M2 17l10 5 10-5" stroke="currentColor" stroke-width="2"
  stroke-linejoin="round" stroke-linecap="round"/></svg>`;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='%233b55d9'%3E%3Cpath d='M12 2 22 7 12 12 2 7Z'/%3E%3Cpath d='m2 12 10 5 10-5M2 17l10 5 10-5' fill='none' stroke='%233b55d9' stroke-width='2'/%3E%3C/svg%3E";

/** A complete page. The Content-Security-Policy must contain the hashes of its style and script. */
export function page({ title, width, body, nav = [], style, script, ...rest }: Layout): string {
  const homeHref = 'homeHref' in rest ? rest.homeHref : '/';
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · Tierplane</title>
<link rel="icon" href="${ICON}">
<style>${trusted(STYLE)}</style>${style !== undefined && html`<style>${trusted(style)}</style>`}
</head>
<body class="${width}">
<header class="top"><div class="bar">
${homeHref === undefined ? html`<span class="brand">${LOGO}Tierplane</span>` : html`<a class="brand" href="${homeHref}">${LOGO}Tierplane</a>`}
${nav.length > 0 && html`<nav aria-label="Pages">${nav.map(({ text, href }) => html`<a href="${href}">${text}</a>`)}</nav>`}
</div></header>
<main>${body}</main>${script !== undefined && html`<script>${trusted(script)}</script>`}
</body>
</html>
`.text;
}
