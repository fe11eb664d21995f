import { clientRequestId } from '../../../../core/http/request-id.ts';
import type { Clock, RandomBytes } from '../../../../core/ports/clock.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { chanceOf } from '../../../../core/retry/back-off.ts';
import { pause } from '../../../../core/time/wait.ts';
import { createForgottenPassword } from '../../../shared/identity/forgotten-password.ts';
import type { PageRequest, PageResponse } from '../../../shared/identity/page-request.ts';
import type { PasswordResets } from '../../../shared/identity/password-resets.ts';
import { clientAddress, isForeignOrigin, readForm, sendHtml } from '../http/messages.ts';
import type { RealmRequest } from './realm-request.ts';

export interface ForgottenPasswordDeps {
  readonly resets: PasswordResets;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly publicUrl: string;
}

export interface ForgottenPasswordPages {
  /** Serves `/forgot-password`: asks for a name, and mails a link. */
  request(request: RealmRequest): Promise<void>;
  /** Serves `/reset-password`, the page behind the link. */
  reset(request: RealmRequest): Promise<void>;
}

/** The mail is prepared within this time after the response, so that later responses do not show whether there is one. */
const MAX_DELAY_MS = 500;

export function createForgottenPasswordPages(deps: ForgottenPasswordDeps): ForgottenPasswordPages {
  const { clock, random, log, resets, publicUrl } = deps;
  const pages = createForgottenPassword({ resets, clock, log, signInUrl: ({ mount }) => `${mount}/account` });

  function send({ res }: RealmRequest, { status, headers = {}, html, afterwards }: PageResponse): void {
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    sendHtml(res, status, html);
    if (afterwards) void pause(clock, chanceOf(random) * MAX_DELAY_MS).then(afterwards);
  }

  return {
    request: async (request) => send(request, await pages.request(pageRequest(request, publicUrl))),
    reset: async (request) => send(request, await pages.reset(pageRequest(request, publicUrl))),
  };
}

function pageRequest({ req, spec, mount, query }: RealmRequest, publicUrl: string): PageRequest {
  return {
    ...{ method: req.method ?? '', realm: spec, mount, query },
    form: () => readForm(req),
    isForeign: isForeignOrigin(req, publicUrl),
    client: clientAddress(req),
    requestId: clientRequestId(req.headers['x-request-id']),
  };
}
