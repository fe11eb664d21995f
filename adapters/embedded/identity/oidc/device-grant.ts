import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Adapter, type AdapterPayload, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { Lru } from '../../../../core/collections/lru.ts';
import { isDomainError } from '../../../../core/errors.ts';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { type AttemptKey, createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { RealmSpec } from '../../../../core/ports/identity.ts';
import { deviceCodePage, deviceConfirmPage, deviceResultPage } from '../../../../web/pages/device.ts';
import { clientAddress } from '../http/messages.ts';
import type { Accounts } from './accounts.ts';

/** How long a code is valid, in seconds. */
export const DEVICE_CODE_TTL = 600;
/** The minimum time between two polls, in milliseconds: RFC 8628, section 3.2, where no `interval` is announced. */
const POLL_INTERVAL_MS = 5_000;
/** A poll may be early by this much, in milliseconds, because clocks and networks vary. */
const POLL_TOLERANCE_MS = 500;
/** Codes whose last poll is in memory. */
const POLLED_CODES = 10_000;

/**
 * Wrong codes within 5 minutes, from one address and in all (RFC 8628, section 5.1). A code has 34 bits: with 200 attempts in
 * each of the 2 windows of its life, one of 100 pending codes is guessed with a probability of 2 in a million.
 */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_ADDRESS = 10;
const MAX_PER_REALM = 200;
/** Codes requested within 5 minutes from one address. */
const MAX_REQUESTS_PER_ADDRESS = 60;

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

export interface DeviceGrant {
  /** oidc-provider's settings of a realm's device flow. */
  settingsOf(spec: RealmSpec, path: string): DeviceFlow;
  /**
   * Takes one attempt to enter or request a code. A valid code returns it.
   * @returns false if there are none left
   */
  admit(req: IncomingMessage, res: ServerResponse, spec: RealmSpec): boolean;
  /** Refuses polls that come too early with `slow_down` (RFC 8628, section 3.5). */
  paced(adapter: Adapter, routeOf: () => string | undefined): Adapter;
}

/** What the device authorization grant needs beyond oidc-provider: our pages, limits and the polling interval. */
export function createDeviceGrant(options: {
  readonly accounts: Pick<Accounts, 'active'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}): DeviceGrant {
  const { accounts, clock } = options;
  const attempts = createAttemptLimiter({ clock, windowMs: WINDOW_MS });
  const taken = new WeakMap<IncomingMessage, readonly AttemptKey[]>();
  const polls = new Lru<{ readonly at: number; readonly interval: number }>(POLLED_CODES);

  function giveBack(req: IncomingMessage): void {
    attempts.giveBack(taken.get(req) ?? []);
    taken.delete(req);
  }

  /** Throws slow_down for an early poll, which also makes the interval 5 seconds longer, as the RFC has clients do. */
  function requireInterval(code: string): void {
    const now = clock.monotonic();
    const last = polls.get(code);
    const interval = last?.interval ?? POLL_INTERVAL_MS;
    const early = last !== undefined && now < last.at + interval - POLL_TOLERANCE_MS;
    polls.set(code, { at: now, interval: early ? interval + POLL_INTERVAL_MS : interval });
    if (early) throw new errors.SlowDown();
  }

  function settingsOf(spec: RealmSpec, path: string): DeviceFlow {
    const realmName = spec.displayName;
    const action = `${path}/device`;
    return {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      deviceInfo: (ctx) => ({ address: clientAddress(ctx.req) }),

      userCodeInputSource: (ctx, _form, _out, error) => {
        if (error && ['AbortedError', 'AccessDenied'].includes(error.name)) {
          giveBack(ctx.req);
          ctx.body = deviceResultPage({ allowed: false, realmName });
          return;
        }
        if (error && ctx.status !== 503) ctx.status = 400;
        const userCode = codeInAddress(ctx.req);
        ctx.body = deviceCodePage({
          realmName,
          action,
          csrf: csrfOf(ctx),
          ...(userCode !== undefined && !error && { userCode }),
          ...(error && { error: refusalOf(error) }),
        });
      },

      userCodeConfirmSource: async (ctx, _form, client, deviceInfo, userCode) => {
        giveBack(ctx.req);
        const subject = ctx.oidc.session?.accountId;
        const known = subject === undefined ? undefined : await accounts.active(spec.id, subject);
        ctx.body = deviceConfirmPage({
          realmName,
          action,
          csrf: csrfOf(ctx),
          userCode,
          client: client.clientName ?? client.clientId,
          address: String(deviceInfo.address ?? 'unknown'),
          ...(known && { userName: known.user.userName }),
        });
      },

      successSource: (ctx) => {
        giveBack(ctx.req);
        ctx.body = deviceResultPage({ allowed: true, realmName });
      },
    };
  }

  return {
    settingsOf,

    admit(req, res, spec) {
      const client = clientGroup(clientAddress(req));
      if (req.url?.endsWith('/device/auth')) {
        return attempts.take([{ key: `request ${client}`, max: MAX_REQUESTS_PER_ADDRESS }]);
      }
      const keys = [
        { key: `code ${spec.id} ${client}`, max: MAX_PER_ADDRESS },
        { key: `code ${spec.id}`, max: MAX_PER_REALM },
      ];
      if (!attempts.take(keys)) return false;
      taken.set(req, keys);
      // A right code without a session leads to the sign-in.
      res.once('finish', () => res.statusCode >= 300 && res.statusCode < 400 && giveBack(req));
      return true;
    },

    paced: (adapter, routeOf) => ({
      ...adapter,
      async find(code: string): Promise<AdapterPayload | undefined> {
        const payload = (await adapter.find(code)) || undefined;
        if (payload && routeOf() === 'token') requireInterval(code);
        return payload;
      },
    }),
  };
}

/** oidc-provider's own token against forged forms, bound to the browser's session. */
function csrfOf({ oidc }: KoaContextWithOIDC): string {
  const state = oidc.session?.state as { secret?: string } | undefined;
  return state?.secret ?? '';
}

/** The code in `verification_uri_complete`. It fills the field in, and the user still confirms it. */
function codeInAddress(req: IncomingMessage): string | undefined {
  const { originalUrl = '' } = req as IncomingMessage & { originalUrl?: string };
  const code = new URLSearchParams(originalUrl.split('?')[1]).get('user_code');
  return code !== null && /^[A-Za-z-]{1,20}$/.test(code) ? code : undefined;
}

function refusalOf(error: Error): string {
  const { name } = error;
  if (isDomainError(error, 'UNAVAILABLE')) return 'This is not possible at the moment. Try again in a few seconds.';
  if (name === 'ExpiredError') return 'This code has expired. Run tierplane login again.';
  if (name === 'AlreadyUsedError') return 'This code was used already. Run tierplane login again.';
  if (name === 'NoCodeError') return 'Enter the code that your terminal shows.';
  if (name === 'NotFoundError') return 'This code is not valid. Check it and try again.';
  return 'This page was too old. Enter the code again.';
}
