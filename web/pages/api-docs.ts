import type {
  JsonSchema,
  OpenApi,
  OpenApiOperation,
  OpenApiResponse,
  Parameter,
} from '../../core/http/openapi-document.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { contentSecurityPolicy } from './policy.ts';
import { STYLE } from './style.ts';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** What this page has beyond the shared style; all colors are the palette's. */
const OWN_STYLE = `
.operation { margin-top: .6rem; border-radius: 10px; box-shadow: none; }
.operation > summary { cursor: pointer; padding: .7rem 1rem; overflow-wrap: anywhere; border-radius: 10px; }
.operation > summary:hover { background: var(--sunken); }
.operation > div { display: grid; gap: .9rem; padding: 1rem; border-top: 1px solid var(--line);
  grid-template-columns: minmax(0, 1fr); }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700; color: var(--accent); }
.operation pre { max-height: 24rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.operation pre:has(output:empty) { display: none; }
.operation > summary .muted { margin-left: .6rem; }
.operation h3 { margin-bottom: .3rem; }
.operation form h3 { margin-bottom: -.6rem; }
.responses { display: grid; gap: .25rem; padding: 0; list-style: none; }
.operation button { justify-self: start; }
textarea { font: .875rem/1.45 var(--mono); color: inherit; width: 100%; padding: .65rem .8rem; resize: vertical;
  background: var(--sunken); border: 1px solid var(--edge); border-radius: 9px; }
textarea:hover { border-color: var(--muted); }
@media (max-width: 36rem) {
  .method { min-width: 0; margin-right: .35rem; }
  .operation > summary .muted { display: block; margin: .2rem 0 0; }
}
`;

/** Sends the request of a form and shows the response. The token stays in the memory of the page. */
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
  out.textContent = 'Waiting for the response ...';
  out.parentElement.tabIndex = 0;
  const start = performance.now();
  try {
    const response = await fetch(form.dataset.base + path + (query.size ? '?' + query : ''), { method: form.dataset.method, headers, body });
    let text = await response.text();
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch {}
    out.textContent = response.status + ' in ' + Math.round(performance.now() - start) + ' ms\\n' + text;
  } catch (error) { out.textContent = String(error); }
});
function openLinked() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.tagName === 'DETAILS') target.open = true;
}
addEventListener('hashchange', openLinked);
openLinked();
`;

const POLICY = contentSecurityPolicy({
  styles: [STYLE, OWN_STYLE],
  scripts: [SCRIPT],
  directives: { 'connect-src': "'self'", 'form-action': "'none'" },
});

interface Surroundings {
  /** Address of the page that links to this one. */
  readonly startPage: string;
  /** Shell command that prints an access token. */
  readonly tokenCommand: string;
}

/** A page to browse and try the API; it loads nothing from elsewhere. */
export function apiDocsPage(
  api: OpenApi,
  surroundings?: Surroundings,
): { html: string; contentSecurityPolicy: string } {
  const base = api.servers[0]?.url.replace(/\/$/, '') ?? '';
  const text = page({
    title: 'API docs',
    width: 'wide',
    homeHref: surroundings?.startPage,
    nav: [
      ...(surroundings ? [{ text: 'Start page', href: surroundings.startPage }] : []),
      { text: `OpenAPI ${api.openapi}`, href: `${base}/openapi.json` },
    ],
    style: OWN_STYLE,
    script: SCRIPT,
    body: html`
<header class="hero"><h1>${api.info.title}</h1><p class="muted">${api.info.description}</p></header>
<div class="card tile"><div class="field"><label for="token">Access token</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" aria-describedby="token-hint">
<p id="token-hint" class="hint">Used only for the requests that you send from this page.${
      surroundings && html` <code>${surroundings.tokenCommand}</code> prints a token.`
    }</p></div></div>
${api.tags.map(({ name }) => tagSection(api, name, base))}
${schemaSection(api)}`,
  });
  return { html: text, contentSecurityPolicy: POLICY };
}

function tagSection(api: OpenApi, tag: string, base: string): Html {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => operationDetails(api, { method: method.toUpperCase(), path, operation, base })),
  );
  return html`<section><h2>${tag}</h2>${operations}</section>`;
}

interface Shown {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
  readonly base: string;
}

function operationDetails(api: OpenApi, { method, path, operation, base }: Shown): Html {
  const schema = operation.requestBody?.content['application/json'].schema;
  return html`
<details class="card operation" id="${operation.operationId}"><summary><code><span class="method">${method}</span> ${path}</code>
<span class="muted">${operation.summary}</span></summary><div>
${operation.description !== undefined && html`<p class="muted">${inline(operation.description)}</p>`}
<div><h3>Responses</h3><ul class="responses">${Object.entries(operation.responses).map(responseItem)}</ul></div>
${schema && html`<div><h3>Body</h3>${schemaName(schema) ?? schemaText(schema)}</div>`}
<form data-method="${method}" data-path="${path}" data-base="${base}">
<h3>Try it</h3>
${operation.parameters.map((one) => parameterField(operation, one))}
${schema && bodyField(api, operation, schema)}
<button>Send</button><pre><output aria-live="polite"></output></pre></form></div></details>`;
}

function responseItem([status, response]: [string, OpenApiResponse]): Html {
  const [content] = Object.values(response.content ?? {});
  const name = content && schemaName(content.schema);
  return html`<li><code>${status}</code> ${inline(response.description)}${name && html` ${name}`}</li>`;
}

/** A link to a named schema; undefined for a schema without a name. */
function schemaName({ $ref }: JsonSchema): Html | undefined {
  const name = typeof $ref === 'string' ? $ref.split('/').at(-1) : undefined;
  return name === undefined ? undefined : html`<a href="#schema-${name}">${name}</a>`;
}

function schemaText(schema: JsonSchema): Html {
  return html`<pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre>`;
}

function schemaSection({ components }: OpenApi): Html {
  const named = Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  return html`<section><h2>Schemas</h2>${named.map(
    ([name, schema]) => html`
<details class="card operation" id="schema-${name}"><summary><code>${name}</code></summary><div>${schemaText(schema)}</div></details>`,
  )}</section>`;
}

function bodyField(api: OpenApi, { operationId }: OpenApiOperation, schema: JsonSchema): Html {
  const sample = JSON.stringify(sampleOf(api, schema), null, 2);
  const rows = Math.max(4, sample.split('\n').length + 1);
  const id = `${operationId}-body`;
  return html`<div class="field"><label for="${id}">Body</label>
<textarea id="${id}" name="body:" rows="${rows}" spellcheck="false">${sample}</textarea></div>`;
}

/** A body to fill in: its required fields, empty. */
function sampleOf(api: OpenApi, schema: JsonSchema): unknown {
  if (typeof schema.$ref === 'string') {
    return sampleOf(api, api.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  }
  if (schema.default !== undefined) return schema.default;
  if (schema.type === 'object') {
    const { properties = {}, required = [] } = schema as ObjectSchema;
    return Object.fromEntries(required.map((key) => [key, sampleOf(api, properties[key] ?? {})]));
  }
  return schema.type === 'integer' ? 0 : '';
}

function parameterField({ operationId }: OpenApiOperation, parameter: Parameter): Html {
  const { name, in: where, required, description } = parameter;
  const id = `${operationId}-${name}`;
  const hint = description !== undefined && html`<p id="${id}-hint" class="hint">${inline(description)}</p>`;
  return html`<div class="field"><label for="${id}">${name}</label>
<input id="${id}" type="text" name="${where}:${name}"${required && html` required`}${hint && html` aria-describedby="${id}-hint"`}>${hint}</div>`;
}

/** Text in which words between backticks are code. */
function inline(text: string): Html {
  return html`${text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}
