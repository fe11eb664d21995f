import { jest } from '@jest/globals';
import { sbtContract } from '../control-plane/sbt-contract.suite.ts';
import { describeInstalled } from './installed.ts';

jest.setTimeout(120_000);

describeInstalled('installed in an emulated account', (installed) => {
  sbtContract('AWS', async () => ({
    call: installed().call,
    events: () => installed().watch.seen(5),
    close: async () => {},
  }));
});
