import type { RequestListener } from 'node:http';
import { type Fixture, type FixtureOptions, startFixture, tenantRoute } from './fixture.ts';

/** A gateway with one tenant and one task of the products service. */
export interface Scene {
  readonly fixture: Fixture;
  readonly authorization: string;
  readonly url: string;
}

/** Runs with a gateway of its own, whose task responds by `listener`. */
export async function withScene(
  listener: RequestListener,
  run: (scene: Scene) => Promise<void>,
  options: FixtureOptions = {},
): Promise<void> {
  const fixture = await startFixture(options);
  try {
    await fixture.serve('products', listener);
    const authorization = await fixture.addTenant(tenantRoute('acme00001'));
    await run({ fixture, authorization, url: `${fixture.url}/api/products` });
  } finally {
    await fixture.close();
  }
}
