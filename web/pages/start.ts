import { html } from './html.ts';
import { page } from './layout.ts';
import { sentence } from './sentence.ts';

export interface StartModel {
  readonly urls: {
    readonly api: string;
    readonly controlPlane: string;
    /** Page to browse the control plane's API. */
    readonly docs: string;
    readonly openapi: string;
    /** Absent where the mailbox must not be shown. */
    readonly mailbox?: string;
    readonly adminSignIn: string;
  };
  /** How a shell calls the command line. */
  readonly command: string;
  /** File with the first admin's email and first password; absent where its path must not be shown. */
  readonly adminFile?: string;
  readonly tenants: readonly StartTenant[];
  readonly services: readonly StartServices[];
  /** How many tenants' services are left out. @default 0 */
  readonly furtherServices?: number;
  /** What to try, in order; each a few lines for a shell. */
  readonly steps: readonly { readonly title: string; readonly command: string }[];
  /** What every reader should know now, such as that tasks share one user id. */
  readonly notes?: readonly string[];
}

export interface StartTenant {
  readonly name: string;
  /** As the tier table calls it. */
  readonly tier: string;
  /** What the tier gives it, in one sentence. */
  readonly isolation: string;
  readonly state: string;
  readonly served: boolean;
  readonly email: string;
  readonly signInUrl: string;
}

/** The services of one tenant, or of all that share them. */
export interface StartServices {
  /** Whom they serve. */
  readonly serves: string;
  readonly cluster: string;
  readonly services: readonly { readonly name: string; readonly healthy: number; readonly desired: number }[];
}

/** What runs, where, and what to try. */
export function startPage(model: StartModel): string {
  const { urls, command, adminFile, tenants, services, furtherServices = 0, steps, notes = [] } = model;
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
<p class="muted">Tierplane registers tenants, gives each the compute its tier promises, keeps them apart and holds them to
their limits. This machine is all it needs.</p></header>
${notes.map((note) => html`<p class="notice">${sentence(note)}</p>`)}
<section class="section" aria-labelledby="addresses"><header><h2 id="addresses">Addresses</h2></header>
<div class="card tile"><dl class="facts">
<dt>Tenants' API</dt><dd><code>${urls.api}</code></dd>
<dt>Control plane</dt><dd><code>${urls.controlPlane}</code></dd>
<dt>API description</dt><dd><a href="${urls.openapi}"><code>${urls.openapi}</code></a></dd>
${adminFile !== undefined && html`<dt>First admin</dt><dd>email and first password are in <code>${adminFile}</code></dd>`}
</dl></div></section>
<section class="section" aria-labelledby="tenants"><header><h2 id="tenants">Tenants to try</h2>
<p class="muted">One per tier. <code>${command} demo</code> shows their passwords.</p></header>
${tenants.length === 0 ? html`<p class="card empty">No demo tenants. <code>${command} demo</code> makes them, <code>${command} tenants create --help</code> shows how to make others.</p>` : html`<ul class="grid">${tenants.map(tenantTile)}</ul>`}
</section>
<section class="section" aria-labelledby="services"><header><h2 id="services">Services</h2>
<p class="muted">Every task is a process of its own. Shown: healthy tasks of those wanted.</p></header>
${serviceTable(services)}
${furtherServices > 0 && html`<p class="muted">And those of ${furtherServices} more tenants: <code>${command} services list</code>.</p>`}
</section>
<section class="section" aria-labelledby="try"><header><h2 id="try">What to try</h2></header>
<ol class="steps">${steps.map(({ title, command }) => html`<li><h3>${title}</h3><pre tabindex="0"><code>${command}</code></pre></li>`)}</ol>
</section>`,
  });
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
  if (rows.length === 0) return html`<p class="card empty">No service runs yet.</p>`;
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
