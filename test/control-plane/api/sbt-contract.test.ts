import { startHome } from './home.ts';
import { sbtContract } from './sbt-contract.suite.ts';

sbtContract('embedded', async () => {
  const home = await startHome();
  const password = 'Correct-horse-1';
  await home.deps.identity.createUser('admin', { userName: 'admin', email: 'a@b.co', role: 'SystemAdmin', password });
  return {
    call: home.call,
    events: home.outbox,
    close: async () => home[Symbol.asyncDispose](),
  };
});
