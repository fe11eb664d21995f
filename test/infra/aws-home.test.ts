import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from '@jest/globals';
import { Synthesized } from '../support/synthesized.ts';
import { templateAttacks } from './attacks.suite.ts';
import { HomeTemplates } from './iam/home.ts';
import { rolesSuite } from './roles.suite.ts';

/** With the roles that only some configurations have. */
const CONFIGURATION = { tiers: { premium: { capacity: 'ec2' } } };

const directory = mkdtempSync(join(tmpdir(), 'tierplane-home-'));
afterAll(() => rmSync(directory, { recursive: true }));
const configuration = join(directory, 'aws.json');
writeFileSync(configuration, JSON.stringify(CONFIGURATION));
const home = new HomeTemplates(Synthesized.of('bin/cdk.ts', { configuration }).folder);

describe('the roles of the AWS home', () => rolesSuite(home));

describe('attacks on the templates of the AWS home', () => templateAttacks(home));
