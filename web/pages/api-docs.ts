import { createHash } from 'node:crypto';
import type { JsonSchema, OpenApi, Operation, Parameter } from '../../core/http/openapi-document.ts';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

const STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--surface:#fff;--sunken:#f1f3f6;--line:#dde2ea;--edge:#838da1;--text:#161b26;--muted:#566074;--accent:#3b55d9;--on-accent:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#0e1117;--surface:#171b24;--sunken:#10141c;--line:#2a3140;--edge:#69748a;--text:#e8ebf2;--muted:#9aa5b8;--accent:#8ea2ff;--on-accent:#0e1330}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;margin:0;background:var(--bg);color:var(--text)}
main{margin:0 auto;max-width:62rem;padding:2rem 1rem 3rem}
nav{margin-bottom:1.25rem}
h1{font-size:1.75rem;line-height:1.25;letter-spacing:-.015em;margin:0}h2{font-size:1.125rem;margin:2rem 0 .5rem}h3{font-size:.9375rem;margin:1rem 0 .3rem}
a{color:var(--accent)}p{margin:.5rem 0}ul{margin:.3rem 0;padding-left:1.2rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:6px}
details,.card{background:var(--surface);border:1px solid var(--line);border-radius:10px;margin:.4rem 0}
.card{padding:.8rem 1rem;margin-top:1.25rem}
summary{cursor:pointer;padding:.6rem .9rem;overflow-wrap:anywhere}details>div{border-top:1px solid var(--line);padding:.5rem .9rem .9rem}
code,pre,textarea,input{font:.85rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.method{display:inline-block;min-width:4.2rem;font-weight:700;color:var(--accent)}.note{color:var(--muted);font-weight:400}
pre{background:var(--sunken);border:1px solid var(--line);border-radius:8px;margin:.5rem 0;max-height:24rem;overflow:auto;padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}
pre:has(output:empty){padding:0;border:0}
label{display:block;margin:.7rem 0;font-weight:600;font-size:.9375rem}
input,textarea{display:block;width:100%;margin-top:.25rem;padding:.5rem .6rem;border:1px solid var(--edge);border-radius:8px;background:var(--sunken);color:inherit}
textarea{resize:vertical}
button{font:inherit;font-weight:600;padding:.45rem 1.2rem;margin:.2rem 0 .6rem;border:0;border-radius:8px;background:var(--accent);color:var(--on-accent);cursor:pointer}
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
  out.textContent = 'Waiting for the answer ...';
  out.parentElement.tabIndex = 0;
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
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  `style-src 'sha256-${digest(STYLE)}'`,
  `script-src 'sha256-${digest(SCRIPT)}'`,
].join('; ');

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Where the page stands: what it links back to, and what prints a token to fill in. */
interface Surroundings {
  readonly startPage: string;
  readonly tokenCommand: string;
}

/** A page to browse and try the API; nothing is loaded from elsewhere. */
export function docsPage(api: OpenApi, surroundings?: Surroundings): { html: string; contentSecurityPolicy: string } {
  const base = api.servers[0]?.url.replace(/\/$/, '') ?? '';
  const back = surroundings ? `<nav><a href="${escapeHtml(surroundings.startPage)}">Start page</a></nav>\n` : '';
  const hint = surroundings ? ` <code>${escapeHtml(surroundings.tokenCommand)}</code> prints one.` : '';
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<title>${escapeHtml(api.info.title)} API</title><style>${STYLE}</style></head>
<body><main>${back}<h1>${escapeHtml(api.info.title)}</h1>
<p class="note">${escapeHtml(api.info.description)} <a href="${escapeHtml(base)}/openapi.json">OpenAPI ${api.openapi}</a></p>
<div class="card"><label>Access token <span class="note">for the requests you send below; it stays in this page.${hint}</span>
<input id="token" type="password" autocomplete="off" spellcheck="false"></label></div>
${api.tags.map(({ name }) => section(api, name, base)).join('\n')}
</main><script>${SCRIPT}</script></body></html>`;
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
  return `<details><summary><code><span class="method">${method}</span> ${escapeHtml(path)}</code> · ${escapeHtml(operation.summary)}</summary><div>
${operation.description ? `<p class="note">${inline(operation.description)}</p>` : ''}
<h3>Answers</h3><ul>${Object.entries(operation.responses)
    .map(([status, { description }]) => `<li><code>${status}</code> ${inline(description)}</li>`)
    .join('')}</ul>
${schema ? `<h3>Schema of the body</h3><pre tabindex="0">${escapeHtml(JSON.stringify(schema, null, 2))}</pre>` : ''}
<h3>Try it</h3>
<form data-method="${method}" data-path="${escapeHtml(path)}" data-base="${escapeHtml(base)}">
${operation.parameters.map(parameterInput).join('\n')}
${schema ? bodyInput(schema) : ''}
<button>Send</button><pre><output aria-live="polite"></output></pre></form></div></details>`;
}

function bodyInput(schema: JsonSchema): string {
  const sample = JSON.stringify(sampleOf(schema), null, 2);
  const rows = Math.max(4, sample.split('\n').length + 1);
  return `<label>Body <textarea name="body:" rows="${rows}" spellcheck="false">${escapeHtml(sample)}</textarea></label>`;
}

/** Something to fill in: what a body must have, empty. */
function sampleOf(schema: JsonSchema): unknown {
  if (schema.default !== undefined) return schema.default;
  if (schema.type === 'object') {
    const { properties = {}, required = [] } = schema as ObjectSchema;
    return Object.fromEntries(required.map((key) => [key, sampleOf(properties[key] ?? {})]));
  }
  return schema.type === 'integer' ? 0 : '';
}

function parameterInput({ name, in: where, required, description }: Parameter): string {
  const hint = description ? ` <span class="note">${inline(description)}</span>` : '';
  return `<label>${escapeHtml(name)}${hint}<input name="${where}:${escapeHtml(name)}"${required ? ' required' : ''}></label>`;
}

/** Text in which `words between backticks` are code. */
function inline(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
