import { jest } from '@jest/globals';
import { accountPagesContract } from '../adapters/contract/account-pages.suite.ts';
import { badInput } from '../control-plane/api/bad-input.suite.ts';
import { sbtContract } from '../control-plane/api/sbt-contract.suite.ts';
import { openAccountPagesHome } from './account-pages.home.ts';
import { DIFFERENCES, openBadInputHome } from './bad-input.home.ts';
import { describeInstalled } from './installed.ts';
import { installer } from './installer.suite.ts';

jest.setTimeout(120_000);

/** The suites share one installation, because an installation takes as long as most of them. Their order matters. */
describeInstalled('the control plane installed in an emulated account', (installed) => {
  // Requires that there is no tenant.
  sbtContract('AWS', async () => ({
    call: installed().call,
    events: () => installed().watch.seen(5),
    close: async () => {},
  }));
  accountPagesContract('system users on AWS', () => openAccountPagesHome(installed()));
  // Uses up the sign-ups of this client.
  badInput('AWS', () => openBadInputHome(installed()), DIFFERENCES);
  // Creates a second table.
  installer(installed);
});
