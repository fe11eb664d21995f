import { clientGroup } from '../../../../core/http/client-address.ts';
import {
  createOwnAccountHandler,
  type OwnAccountOptions,
  type OwnAccountRequest,
  type OwnAccountTarget,
} from '../../../../core/identity/users-api/own-account.ts';
import { clientAddress } from '../http/messages.ts';
import { partsOf, readJson, sendResponse } from '../http/users-api.ts';
import type { Accounts } from './accounts.ts';
import type { RealmRequest } from './realm-request.ts';

export interface MeApiOptions extends OwnAccountOptions {
  readonly accounts: Pick<Accounts, 'signIn'>;
}

export type MeApi = (request: RealmRequest, about: OwnAccountTarget) => Promise<void>;

/** Serves `/realms/<realm>/me/password` and `/realms/<realm>/me/sessions` by access token. */
export function createMeApi(options: MeApiOptions): MeApi {
  const handle = createOwnAccountHandler(options);
  return async ({ req, res, spec: realm }, about) => {
    const checkPassword = passwordCheck(options.accounts, clientGroup(clientAddress(req)));
    sendResponse(res, await handle({ realm, about, ...partsOf(req), body: () => readJson(req), checkPassword }));
  };
}

/** @param group of the client's address, for the limits of failed sign-ins */
function passwordCheck(accounts: MeApiOptions['accounts'], group: string): OwnAccountRequest['checkPassword'] {
  return async (realm, { userName }, password) => {
    const check = await accounts.signIn(realm, userName, password, { group, deviceOf: () => undefined });
    if (check.outcome === 'too-many') return check;
    return { outcome: check.outcome === 'signed-in' ? 'right' : 'wrong' };
  };
}
