import { escapeHtml } from '../../../core/encoding/html.ts';

/** A page of text. It needs no script. */
export interface SitePage {
  readonly title: string;
  readonly introduction: string;
  /** Addresses and other values with their names. Values that are web addresses become links. */
  readonly facts: Readonly<Record<string, string>>;
  /** Commands with what they do. */
  readonly commands: Readonly<Record<string, string>>;
}

export const PAGE_STYLE = `:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; }
body { margin: 0; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.75rem; overflow-wrap: anywhere; }
code { display: block; padding: 0.5rem 0.75rem; border: 1px solid GrayText; border-radius: 0.375rem; overflow-x: auto; white-space: nowrap; }
`;

/** @param stylePath where the site has PAGE_STYLE, with a slash at its beginning */
export function sitePage({ title, introduction, facts, commands }: SitePage, stylePath: string): string {
  const list = Object.entries(facts).map(([name, value]) => `<dt>${escapeHtml(name)}</dt>\n<dd>${shown(value)}</dd>`);
  const examples = Object.entries(commands).map(
    ([command, does]) => `<p>${escapeHtml(does)}</p>\n<p><code>${escapeHtml(command)}</code></p>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(introduction)}</p>
<dl>
${list.join('\n')}
</dl>
<h2>The command line</h2>
${examples.join('\n')}
<p>These values for programs: <a href="/config.json">config.json</a></p>
</main>
</body>
</html>
`;
}

function shown(value: string): string {
  const text = escapeHtml(value);
  return value.startsWith('https://') ? `<a href="${text}">${text}</a>` : text;
}
