import { jest } from '@jest/globals';
import { badInput } from '../control-plane/api/bad-input.suite.ts';
import { sbtContract } from '../control-plane/api/sbt-contract.suite.ts';
import { DIFFERENCES, openBadInputHome } from './bad-input.home.ts';
import { describeInstalled } from './installed.ts';

jest.setTimeout(120_000);

describeInstalled('installed in an emulated account', (installed) => {
  sbtContract('AWS', async () => ({
    call: installed().call,
    events: () => installed().watch.seen(5),
    close: async () => {},
  }));
  // After the contract, which requires that there is no tenant. Both share one installation.
  badInput('AWS', () => openBadInputHome(installed()), DIFFERENCES);
});
