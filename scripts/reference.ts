import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSections } from './reference/markdown.ts';
import { REFERENCE_PAGES, sectionsOf } from './reference/pages.ts';

/** `npm run docs`: generates the tables of the reference pages from the source. */
for (const page of Object.keys(REFERENCE_PAGES)) {
  const file = join(import.meta.dirname, '..', page);
  writeFileSync(file, withSections(readFileSync(file, 'utf8'), sectionsOf(page)));
}
