import { html } from './html.ts';
import { frameOf, type PageFrame, page } from './layout.ts';

export interface OutcomeModel extends PageFrame {
  /** Identifies the page, for tests. */
  readonly name: string;
  readonly title: string;
  /** @default - the title */
  readonly heading?: string;
  readonly text: string;
  /** Where to go next. The first is the usual way. @default - none */
  readonly links?: readonly { readonly text: string; readonly href: string }[];
}

/** A page that says what has happened. */
export function outcomePage(model: OutcomeModel): string {
  const { name, title, heading = title, text, links = [] } = model;
  return page({
    ...frameOf(model),
    title,
    width: 'narrow',
    body: html`<div class="card panel" data-page="${name}">
<header><h1>${heading}</h1><p class="muted">${text}</p></header>
${links.length > 0 && html`<div class="actions">${links.map((link, at) => html`<a class="${at === 0 ? 'button' : 'button quiet'}" href="${link.href}">${link.text}</a>`)}</div>`}
</div>`,
  });
}
