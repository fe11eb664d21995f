import { html } from './html.ts';
import { page } from './layout.ts';
import { sentence } from './sentence.ts';

export interface StartModel {
  readonly urls: {
    readonly api: string;
    readonly controlPlane: string;
    /** The page that documents the control plane's API. */
    readonly docs: string;
    readonly openapi: string;
    /** Absent if the mailbox must not be shown. */
    readonly mailbox?: string;
    readonly adminSignIn: string;
  };
  /** The command that starts the CLI in the reader's shell, and addresses this platform. */
  readonly command: string;
  /** The command that creates the demo tenants and shows their passwords. Absent where the reader cannot run it. */
  readonly demoCommand?: string;
  /** The file with the first administrator's email and initial password. Absent if its path must not be shown. */
  readonly adminFile?: string;
  readonly tenants: readonly StartTenant[];
  readonly services: readonly StartServices[];
  /** The number of tenants whose services are not listed. @default 0 */
  readonly furtherServices?: number;
  /** Suggested commands, in order; each consists of a few shell lines. */
  readonly steps: readonly { readonly title: string; readonly command: string }[];
  /** Warnings, for example that tasks share one user id. */
  readonly notes?: readonly string[];
}

export interface StartTenant {
  readonly name: string;
  /** The tier's name in the tier table. */
  readonly tier: string;
  /** What the tier isolates, in one sentence. */
  readonly isolation: string;
  readonly state: string;
  readonly served: boolean;
  readonly email: string;
  readonly signInUrl: string;
}

/** The services of one tenant, or the services that several tenants share. */
export interface StartServices {
  /** The tenant or tenants that they serve. */
  readonly serves: string;
  readonly cluster: string;
  readonly services: readonly { readonly name: string; readonly healthy: number; readonly desired: number }[];
}

/** The start page: addresses, tenants, services and suggested commands. */
export function startPage(model: StartModel): string {
  const { urls, notes = [] } = model;
  return page({
    title: 'What runs here',
    width: 'wide',
    nav: [
      { text: 'API docs', href: urls.docs },
      ...(urls.mailbox === undefined ? [] : [{ text: 'Mailbox', href: urls.mailbox }]),
      { text: 'Sign in as admin', href: urls.adminSignIn },
    ],
    body: html`
<header class="hero"><h1>Your platform is running</h1>
<p class="muted">Tierplane registers tenants, provisions the compute of each tenant's tier, isolates tenants from each other
and enforces their limits. Everything runs on this machine.</p></header>
${notes.map((note) => html`<p class="notice">${sentence(note)}</p>`)}
${addresses(model)}
${tenantTiles(model)}
${serviceSection(model)}
${suggestions(model)}`,
  });
}

function addresses({ urls, adminFile }: StartModel) {
  return html`<section class="section" aria-labelledby="addresses"><header><h2 id="addresses">Addresses</h2></header>
<div class="card tile"><dl class="facts">
<dt>Tenant API</dt><dd><code>${urls.api}</code></dd>
<dt>Control plane</dt><dd><code>${urls.controlPlane}</code></dd>
<dt>API description</dt><dd><a href="${urls.openapi}"><code>${urls.openapi}</code></a></dd>
${adminFile !== undefined && html`<dt>First administrator</dt><dd>Email and initial password: <code>${adminFile}</code></dd>`}
</dl></div></section>`;
}

function tenantTiles({ tenants, command, demoCommand }: StartModel) {
  const passwords = demoCommand
    ? html`<code>${demoCommand}</code> shows their passwords.`
    : 'The operator of this platform knows their passwords.';
  const create = demoCommand && html`Run <code>${demoCommand}</code> to create them. `;
  return html`<section class="section" aria-labelledby="tenants"><header><h2 id="tenants">Tenants to try</h2>
<p class="muted">One per tier. ${passwords}</p></header>
${tenants.length === 0 ? html`<p class="card empty">No demo tenants. ${create}<code>${command} tenants create --help</code> shows how to create tenants.</p>` : html`<ul class="grid">${tenants.map(tenantTile)}</ul>`}
</section>`;
}

function serviceSection({ services, furtherServices = 0, command }: StartModel) {
  return html`<section class="section" aria-labelledby="services"><header><h2 id="services">Services</h2>
<p class="muted">Each task is a process. The table shows healthy and desired tasks.</p></header>
${serviceTable(services)}
${furtherServices > 0 && html`<p class="muted">${furtherServices} more tenants have services of their own. List them with <code>${command} services list</code>.</p>`}
</section>`;
}

function suggestions({ steps }: StartModel) {
  return html`<section class="section" aria-labelledby="try"><header><h2 id="try">What to try</h2></header>
<ol class="steps">${steps.map(({ title, command }) => html`<li><h3>${title}</h3><pre tabindex="0"><code>${command}</code></pre></li>`)}</ol>
</section>`;
}

function tenantTile({ name, tier, isolation, state, served, email, signInUrl }: StartTenant) {
  return html`<li class="card tile">
<div class="row"><h3>${name}</h3><span class="pill ${served ? 'ok' : 'wait'}">${state}</span></div>
<p><span class="pill plain">${tier}</span></p>
<p class="muted small">${isolation}</p>
<p class="small">${email}</p>
<a class="button quiet" href="${signInUrl}">Sign in to ${name}</a>
</li>`;
}

function serviceTable(rows: readonly StartServices[]) {
  if (rows.length === 0) return html`<p class="card empty">No services are running yet.</p>`;
  return html`<div class="card scroll" tabindex="0" role="region" aria-label="Services by tenant"><table>
<thead><tr><th scope="col">Serves</th><th scope="col">Cluster</th><th scope="col">Services</th></tr></thead>
<tbody>${rows.map(
    ({ serves, cluster, services }) => html`<tr><th scope="row">${serves}</th>
<td data-label="Cluster">${cluster}</td><td><div class="pills">${services.map(
      ({ name, healthy, desired }) =>
        html`<span class="pill ${healthy >= desired ? 'ok' : healthy > 0 ? 'wait' : 'down'}">${name} ${healthy} of ${desired}</span>`,
    )}</div></td></tr>`,
  )}</tbody></table></div>`;
}
