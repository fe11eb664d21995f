import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EmbeddedMailer, StoredMail } from '../../adapters/embedded/mail.ts';
import { isDomainError } from '../../core/errors.ts';
import { issuerOf } from '../../core/identity/issuers.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Isolation, TierTable } from '../../core/tenant/tiers.ts';
import { errorPage } from '../../web/pages/error.ts';
import { mailboxPage, mailPage } from '../../web/pages/mailbox.ts';
import { type StartTenant, startPage } from '../../web/pages/start.ts';
import { sendPage } from './page-response.ts';
import type { Urls } from './running.ts';

interface PagesDeps {
  readonly urls: Urls;
  readonly mailer: EmbeddedMailer;
  readonly smtp: boolean;
  readonly runtime: Runtime;
  readonly tiers: TierTable;
  /** The demo tenants that exist, with what the control plane knows of them. */
  readonly demoTenants: () => Promise<readonly DemoTenant[]>;
  /** What is not in force on this machine, in words. */
  readonly notes: readonly string[];
  /** Throws unless the header holds an admin's token. */
  readonly requireAdmin: (authorization: string | undefined) => Promise<void>;
}

export interface DemoTenant {
  readonly name: string;
  readonly tier: keyof TierTable;
  readonly state: string;
  readonly email: string;
  readonly authServer: string;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

const MAILS_PER_PAGE = 50;

const ISOLATION: Record<Isolation, string> = {
  pool: 'Shares the pooled services; its items stand under its own key.',
  service: 'Has services and data files of its own in a shared cluster.',
  cluster: 'Has a cluster, services, data files and a user pool of its own.',
};

/** The platform's own pages: start page and mailbox. Everything else is 404. */
export function createPages(deps: PagesDeps): Handler {
  return async (req, res) => {
    const url = new URL(req.url ?? '/', 'http://pages.invalid');
    if (req.method !== 'GET' && req.method !== 'HEAD') return notFound(res);
    if (url.pathname === '/') return sendPage(res, 200, await renderStart(deps));
    if (url.pathname === '/mailbox.json') return sendMails(deps, req, res);
    if (url.pathname === '/mailbox' || url.pathname.startsWith('/mailbox/')) return showMailbox(deps, req, res, url);
    return notFound(res);
  };
}

function notFound(res: ServerResponse): void {
  sendPage(res, 404, errorPage({ title: 'Not found', text: 'There is no page at this address.' }));
}

async function renderStart({ urls, runtime, demoTenants, tiers, notes }: PagesDeps): Promise<string> {
  const [services, tenants] = await Promise.all([runtime.services(), demoTenants()]);
  return startPage({
    urls: {
      api: urls.api,
      controlPlane: urls.controlPlane,
      docs: `${urls.controlPlane}/docs`,
      openapi: urls.openapi,
      mailbox: `${urls.front}/mailbox`,
      adminSignIn: `${issuerOf(urls.front, 'admin')}/account`,
    },
    tenants: tenants.map(
      ({ name, tier, state, email, authServer }): StartTenant => ({
        name,
        tier: tiers[tier].title,
        isolation: ISOLATION[tiers[tier].isolation],
        state,
        served: state === 'active',
        email,
        signInUrl: `${authServer}/account`,
      }),
    ),
    services: services.map(({ service, cluster, tenantId, tasks, desired }) => ({
      name: service,
      cluster,
      ...(tenantId === null ? {} : { tenant: tenantId }),
      healthy: tasks.filter((task) => task.state === 'healthy').length,
      desired,
    })),
    steps: stepsFor(urls),
    notes,
  });
}

function stepsFor(urls: Urls): { title: string; command: string }[] {
  return [
    { title: 'See the tenants', command: 'npx tierplane tenants list' },
    {
      title: 'Onboard one',
      command:
        "npx tierplane tenants create --name Hooli --email jo@hooli.example \\\n  --tier premium --admin-password 'Correct-horse-7' --wait",
    },
    {
      title: 'Work as its user',
      command: `TOKEN=$(npx tierplane token --tenant Hooli --user jo@hooli.example --password 'Correct-horse-7')\ncurl -H "authorization: Bearer $TOKEN" ${urls.api}/products`,
    },
    { title: 'See the limits bite', command: 'npx tierplane throttle-test --tenant acme --rate 50 --seconds 3' },
  ];
}

/**
 * Mails hold invitations with temporary passwords. The page is for the one who sits at this machine: the front door must
 * be reached by a loopback name (which also keeps other sites' pages from reading it). Everyone else needs an admin's
 * token and `/mailbox.json`.
 */
function isLocal(req: IncomingMessage): boolean {
  const host = String(req.headers['x-forwarded-host'] ?? req.headers.host ?? '');
  const client =
    String(req.headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host) && /^(127\.|::1$|::ffff:127\.)/.test(client);
}

async function showMailbox(deps: PagesDeps, req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
  if (!isLocal(req)) {
    const text = 'The mailbox page is shown on the machine itself only. Admins read it at /mailbox.json.';
    return sendPage(res, 403, errorPage({ title: 'Not from here', text }));
  }
  if (url.pathname === '/mailbox') {
    const after = url.searchParams.get('after');
    const { items, next } = await deps.mailer.list({ limit: MAILS_PER_PAGE, ...(after ? { after } : {}) });
    const olderHref = next === undefined ? {} : { olderHref: `/mailbox?after=${encodeURIComponent(next)}` };
    return sendPage(res, 200, mailboxPage({ mails: items.map(mailModel), smtp: deps.smtp, ...olderHref }));
  }
  const mail = await deps.mailer.get(decodeURIComponent(url.pathname.slice('/mailbox/'.length)));
  return mail ? sendPage(res, 200, mailPage(mailModel(mail), '/mailbox')) : notFound(res);
}

function mailModel(mail: StoredMail) {
  return { ...mail, href: `/mailbox/${encodeURIComponent(mail.id)}` };
}

async function sendMails(
  { mailer, requireAdmin }: PagesDeps,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  let status = 200;
  let body: object;
  try {
    await requireAdmin(req.headers.authorization);
    body = { data: (await mailer.list({ limit: 1_000 })).items };
  } catch (error) {
    if (!isDomainError(error, 'UNAUTHENTICATED') && !isDomainError(error, 'FORBIDDEN')) throw error;
    status = error.code === 'FORBIDDEN' ? 403 : 401;
    body = { message: status === 403 ? 'Forbidden' : 'Unauthorized' };
  }
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}
