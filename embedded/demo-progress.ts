import { rmSync } from 'node:fs';
import type { TierName } from '../core/tier/tiers.ts';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

/** The demo tenants: one a tier. Their admins' passwords are made anew for each platform. */
export const DEMO_TENANTS: readonly { name: string; tier: TierName; email: string }[] = [
  { name: 'acme', tier: 'basic', email: 'admin@acme.example' },
  { name: 'globex', tier: 'advanced', email: 'admin@globex.example' },
  { name: 'initech', tier: 'premium', email: 'admin@initech.example' },
];

/** The next step to a demo tenant: to register it, or, once that is done, to give it products and an order. */
export type DemoStep = 'register' | 'stock';

/** What is left to make of the demo, by tenant; a tenant that is finished is not in it. */
export type DemoLeft = Readonly<Record<string, DemoStep>>;

const ALL: DemoLeft = Object.fromEntries(DEMO_TENANTS.map(({ name }) => [name, 'register']));

type Marker = Pick<DataDir, 'demoPending'>;

/** Leaves the whole demo to this start, or to one that comes after it. */
export function leaveDemo({ demoPending }: Marker): void {
  writePrivate(demoPending, ALL);
}

/** Empty where nothing is left. Read anew at each call: a start and `tierplane demo` may be at it at once. */
export function demoProgress({ demoPending }: Marker): DemoLeft {
  const left = readJson<DemoLeft | true>(demoPending) ?? {};
  // What was written before a start told tenants apart.
  return left === true ? ALL : left;
}

export function isWhole(left: DemoLeft): boolean {
  return DEMO_TENANTS.every(({ name }) => left[name] === 'register');
}

/** Notes a tenant's next step; `undefined`: it is finished. With the last one the marker goes, too. */
export function noteDemoStep({ demoPending }: Marker, name: string, step: DemoStep | undefined): void {
  const others = Object.entries(demoProgress({ demoPending })).filter(([other]) => other !== name);
  const left = [...others, ...(step ? [[name, step] as const] : [])];
  if (left.length === 0) rmSync(demoPending, { force: true });
  else writePrivate(demoPending, Object.fromEntries(left));
}
