import { addressesOf } from '../../adapters/aws/installation/addresses.ts';

/** `node scripts/aws/addresses.ts ENVIRONMENT`: prints the addresses of an installation, for people. */
const addresses = await addressesOf(process.argv[2] ?? 'main');
const shown: readonly (readonly [string, string | undefined])[] = [
  ['admin site', addresses.adminSiteUrl],
  ['app site', addresses.appSiteUrl],
  ['control plane API', addresses.controlPlaneUrl],
  ["tenants' API", addresses.restApiUrl],
  ['sign-in of administrators', addresses.signInUrl],
];
for (const [name, url] of shown) if (url) process.stdout.write(`  ${`${name}:`.padEnd(27)}${url}\n`);
