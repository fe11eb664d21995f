import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RandomBytes } from '../../../../core/ports/clock.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import type { Seal } from '../seal.ts';

/**
 * Device cookies: a browser in which a user has signed in keeps a signed id, so that failed attempts elsewhere do not
 * keep this user out. An id is bound to the realm and to the user, and says nothing about either.
 * @see https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */
export interface DeviceCookies {
  /** The id that this realm has given the client for this user, or undefined. */
  idOf(req: IncomingMessage, realm: RealmId, subject: string): string | undefined;
  /** Gives the client an id for this user. A client that has one keeps it. */
  give(request: DeviceRequest, subject: string): void;
}

export interface DeviceRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly spec: { readonly id: RealmId };
  /** Path of the cookie: the realm's path in the public URL. */
  readonly mount: string;
}

const COOKIE = 'tierplane_device';
/** How long a browser keeps the cookie after the last sign-in, in seconds: 180 days. */
const MAX_AGE = 180 * 86_400;
/** Users of one browser. Beyond that, the user whose last sign-in is longest ago loses the id. */
const MAX_USERS = 5;
const ID_BYTES = 16;
/** `<id>.<signature>` of each user, the one who signed in last first. */
const SEPARATOR = '~';

interface Entry {
  readonly id: string;
  readonly mac: string;
}

/** @param options.isSecure whether browsers reach the realm by HTTPS only */
export function createDeviceCookies(options: {
  readonly seal: Seal;
  readonly random: RandomBytes;
  readonly isSecure: boolean;
}): DeviceCookies {
  const { seal, random, isSecure } = options;
  const textOf = (realm: RealmId, subject: string, id: string): string => `device ${realm} ${subject} ${id}`;

  function entryOf(entries: readonly Entry[], realm: RealmId, subject: string): Entry | undefined {
    return entries.find(({ id, mac }) => seal.verify(textOf(realm, subject, id), mac));
  }

  return {
    idOf: (req, realm, subject) => entryOf(entriesIn(req), realm, subject)?.id,

    give({ req, res, spec, mount }, subject) {
      const entries = entriesIn(req);
      const known = entryOf(entries, spec.id, subject);
      const id = known?.id ?? Buffer.from(random(ID_BYTES)).toString('base64url');
      const own = { id, mac: seal.sign(textOf(spec.id, subject, id)) };
      const kept = [own, ...entries.filter((entry) => entry !== known)].slice(0, MAX_USERS);
      const value = kept.map((entry) => `${entry.id}.${entry.mac}`).join(SEPARATOR);
      const attributes = `Path=${mount}; Max-Age=${MAX_AGE}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
      res.appendHeader('set-cookie', `${COOKIE}=${value}; ${attributes}`);
    },
  };
}

/** At most MAX_USERS entries, so that a long cookie costs few signatures. */
function entriesIn({ headers }: IncomingMessage): readonly Entry[] {
  const pairs = headers.cookie?.split(';').map((pair) => pair.trim()) ?? [];
  const value = pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
  return value.split(SEPARATOR, MAX_USERS).flatMap((entry): readonly Entry[] => {
    const [, id, mac] = /^([\w-]{22})\.([\w-]{43})$/.exec(entry) ?? [];
    return id === undefined || mac === undefined ? [] : [{ id, mac }];
  });
}
