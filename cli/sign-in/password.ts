import * as z from 'zod';
import { DomainError, type ErrorCode } from '../../core/errors.ts';
import { CLI_CLIENT } from '../../core/identity/issuers.ts';
import { metadataOf } from './discovery.ts';
import { type JsonResponse, sendJson } from './request.ts';
import { codeRequest, type Tokens } from './token-endpoint.ts';

/** Registered for the command line's client. Nothing listens there: the code is taken from the redirect itself. */
const REDIRECT_URI = 'http://127.0.0.1/callback';
const MAX_REDIRECTS = 10;

const Form = z.object({
  page: z.enum(['sign-in', 'change-password']),
  csrf: z.string().optional(),
  message: z.string().optional(),
});
type Form = z.infer<typeof Form>;

const CODES: Readonly<Record<number, ErrorCode>> = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 429: 'TOO_MANY' };

/**
 * Signs a user in with a password, for tests and scripts (docs/decisions/0012): authorization code with PKCE, with the
 * realm's sign-in form sent as JSON. Embedded realms only.
 * Throws UNAUTHENTICATED for a wrong password, FORBIDDEN for a user who may not sign in or must change a temporary
 * password, TOO_MANY after too many tries, UNAVAILABLE if the realm does not respond.
 */
export async function passwordSignIn(options: {
  readonly issuer: string;
  readonly userName: string;
  readonly password: string;
  readonly scope: string;
}): Promise<Tokens> {
  const { issuer, userName, password, scope } = options;
  const request = codeRequest(await metadataOf(issuer), {
    clientId: CLI_CLIENT,
    redirectUri: REDIRECT_URI,
    scope,
    loginHint: userName,
  });
  const session = openSession(new URL(issuer).origin);
  let at = await session.follow(request.url);
  if (at.form?.page === 'sign-in') {
    at = await session.follow(at.url, { csrf: at.form.csrf ?? '', userName, password });
  }
  if (at.form) throw refusal(at.form, at.status);
  const callback = new URL(at.url).searchParams;
  const code = callback.get('code');
  if (code === null || callback.get('state') !== request.state) {
    throw new DomainError('FORBIDDEN', `the sign-in was refused: ${callback.get('error') ?? 'no code was sent'}`);
  }
  return request.redeem(code);
}

function refusal({ page, message }: Form, status: number): DomainError {
  const code = page === 'change-password' ? 'FORBIDDEN' : (CODES[status] ?? 'UNAVAILABLE');
  return new DomainError(code, message ?? `the sign-in was refused with status ${status}`);
}

/** Where a chain of redirects ended: at a form, or at the redirect URI. */
interface Stop {
  readonly url: string;
  readonly status: number;
  readonly form?: Form;
}

/** Cookies and redirects of one sign-in, at one origin. */
function openSession(origin: string) {
  const cookies = new Map<string, string>();

  async function request(url: string, fields?: Readonly<Record<string, string>>): Promise<JsonResponse> {
    if (new URL(url).origin !== origin) throw new DomainError('UNAVAILABLE', `${origin} redirects to another server`);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await sendJson(url, {
      method: fields ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        ...(cookie !== '' && { cookie }),
        ...(fields && { 'content-type': 'application/json' }),
      },
      body: fields ? JSON.stringify(fields) : null,
    });
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  return {
    async follow(start: string, fields?: Readonly<Record<string, string>>): Promise<Stop> {
      let url = start;
      let { status, headers, body } = await request(url, fields);
      for (let hops = 0; status >= 300 && status < 400; hops++) {
        url = new URL(headers.get('location') ?? '', url).href;
        if (url.startsWith(`${REDIRECT_URI}?`)) return { url, status };
        if (hops === MAX_REDIRECTS) throw new DomainError('UNAVAILABLE', `${origin} redirects without an end`);
        ({ status, headers, body } = await request(url));
      }
      const form = Form.safeParse(body);
      if (!form.success) throw new DomainError('UNAVAILABLE', `${url.split('?')[0]} responds with status ${status}`);
      return { url, status, form: form.data };
    },
  };
}
