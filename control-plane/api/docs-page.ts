import { createHash } from 'node:crypto';
import type { OpenApi, Operation, Parameter } from './openapi.ts';

const STYLE = `
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent);--soft:color-mix(in srgb,currentColor 6%,transparent)}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:2rem 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
details{border:1px solid var(--line);border-radius:.5rem;margin:.4rem 0}
summary{cursor:pointer;padding:.5rem .8rem}details>div{border-top:1px solid var(--line);padding:.8rem}
code,pre,textarea,input{font:.85rem/1.45 ui-monospace,monospace}
.method{display:inline-block;min-width:4rem;font-weight:700}.note{opacity:.75}
pre{background:var(--soft);border-radius:.4rem;margin:.5rem 0;max-height:24rem;overflow:auto;padding:.7rem}
label{display:block;margin:.4rem 0}input,textarea{box-sizing:border-box;width:100%;padding:.4rem;border:1px solid var(--line);border-radius:.3rem;background:transparent;color:inherit}
textarea{min-height:7rem}button{font:inherit;padding:.35rem 1rem;margin-top:.5rem}
`;

/** Sends a form's request and shows the answer; the token stays in this page's memory. */
const SCRIPT = `
document.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target, out = form.querySelector('output'), data = new FormData(form);
  let path = form.dataset.path;
  const query = new URLSearchParams(), headers = {};
  for (const [name, value] of data) {
    const [where, key] = name.split(/:(.*)/);
    if (where === 'path') path = path.replace('{' + key + '}', encodeURIComponent(value));
    if (where === 'query' && value) query.set(key, value);
    if (where === 'header' && value) headers[key] = value;
  }
  const token = document.getElementById('token').value.trim();
  if (token) headers.authorization = 'Bearer ' + token;
  const body = data.get('body:') || undefined;
  if (body) headers['content-type'] = 'application/json';
  const start = performance.now();
  try {
    const answer = await fetch(form.dataset.base + path + (query.size ? '?' + query : ''), { method: form.dataset.method, headers, body });
    let text = await answer.text();
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch {}
    out.textContent = answer.status + ' in ' + Math.round(performance.now() - start) + ' ms\\n' + text;
  } catch (error) { out.textContent = String(error); }
});
`;

const POLICY = [
  "default-src 'none'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  `style-src 'sha256-${digest(STYLE)}'`,
  `script-src 'sha256-${digest(SCRIPT)}'`,
].join('; ');

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** A page to browse and try the API; nothing is loaded from elsewhere. */
export function docsPage(api: OpenApi): { html: string; contentSecurityPolicy: string } {
  const base = api.servers[0]?.url ?? '';
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(api.info.title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(api.info.title)}</h1>
<p class="note">${escapeHtml(api.info.description)} <a href="${escapeHtml(base)}/openapi.json">OpenAPI ${api.openapi}</a></p>
<label>Access token <input id="token" type="password" autocomplete="off" placeholder="tierplane token --admin"></label>
${api.tags.map(({ name }) => section(api, name, base)).join('\n')}
<script>${SCRIPT}</script></body></html>`;
  return { html, contentSecurityPolicy: POLICY };
}

function section(api: OpenApi, tag: string, base: string): string {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => operationHtml(method.toUpperCase(), path, operation, base)),
  );
  return `<h2>${escapeHtml(tag)}</h2>\n${operations.join('\n')}`;
}

function operationHtml(method: string, path: string, operation: Operation, base: string): string {
  const schema = operation.requestBody?.content['application/json'].schema;
  return `<details><summary><code><span class="method">${method}</span>${escapeHtml(path)}</code> · ${escapeHtml(operation.summary)}</summary><div>
${operation.description ? `<p class="note">${escapeHtml(operation.description)}</p>` : ''}
<ul>${Object.entries(operation.responses)
    .map(([status, { description }]) => `<li><code>${status}</code> ${escapeHtml(description)}</li>`)
    .join('')}</ul>
${schema ? `<p>Body</p><pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre>` : ''}
<form data-method="${method}" data-path="${escapeHtml(path)}" data-base="${escapeHtml(base)}">
${operation.parameters.map(parameterInput).join('\n')}
${schema ? '<label>Body <textarea name="body:" spellcheck="false">{}</textarea></label>' : ''}
<button>Send</button><pre><output aria-live="polite"></output></pre></form></div></details>`;
}

function parameterInput({ name, in: where, required, description }: Parameter): string {
  const hint = description ? ` <span class="note">${escapeHtml(description)}</span>` : '';
  return `<label>${escapeHtml(name)}${hint}<input name="${where}:${escapeHtml(name)}"${required ? ' required' : ''}></label>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
