import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_SLUG_LENGTH, slugOf } from '../../../core/fields/slug.ts';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

describe('ON-9: the slug of a name', () => {
  test.each([
    ['Acme Corp', 'acme-corp'],
    [' --Acme__Corp.. ', 'acme-corp'],
    ['Müller', 'muller'],
    ['Mu\u0308ller', 'muller'],
    ['AT&T', 'at-t'],
    ["L'Oréal", 'l-oreal'],
    ['L’Oréal', 'l-oreal'],
    ['Straße', 'strasse'],
    ['STRASSE', 'strasse'],
    ['Łódź & Sønner Æbler', 'lodz-sonner-aebler'],
    ['İstanbul ılık', 'istanbul-ilik'],
    ['Đà Nẵng', 'da-nang'],
    ['Þór Ægisson', 'thor-aegisson'],
    ['Ελλάδα ΟΔΟΣ', 'ellada-odos'],
    ['Газпром Нефть', 'gazprom-neft'],
    ['Щука ёж Київ', 'shchuka-ezh-kiiv'],
    ['ＡＣＭＥ ①', 'acme-1'],
    ['ﬁnance', 'finance'],
    ['---', ''],
    ['☕', ''],
    ['😀 42', '42'],
    ['x'.repeat(MAX_SLUG_LENGTH), 'x'.repeat(MAX_SLUG_LENGTH)],
  ])('%j is %j', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  test.each([
    ['東京', /^name-[0-9a-z]{8}$/],
    ['東京 Motors', /^motors-[0-9a-z]{8}$/],
    ['שלום', /^name-[0-9a-z]{8}$/],
    ['مرحبا 7', /^7-[0-9a-z]{8}$/],
    ['ไทย', /^name-[0-9a-z]{8}$/],
    ['ß'.repeat(63), /^s{54}-[0-9a-z]{8}$/],
  ])('%j, which cannot be transliterated or is too long, ends with a digest', (name, slug) => {
    expect(slugOf(name)).toMatch(slug);
    expect(slugOf(` "${name.normalize('NFD')}"!`)).toBe(slugOf(name));
  });

  test('differs for names that differ in letters of another script', () => {
    const names = [
      '東京',
      '東 京',
      '大阪',
      '京都',
      '東京 Motors',
      '大阪 Motors',
      'Motors',
      'か',
      'が',
      'שלום',
      'ไทย',
      'ไท',
    ];
    expect(new Set(names.map(slugOf)).size).toBe(names.length);
  });

  test('is stable, because stored data depends on it', () => {
    expect(slugOf('東京')).toBe('name-fdvzh4wf');
    expect(slugOf('東京 Motors')).toBe('motors-vt80fnrc');
  });

  test('is a label of a host name or empty, and its own slug', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 63 }), (name) => {
        const slug = slugOf(name);
        if (slug === '') return;
        expect(slug).toMatch(LABEL);
        expect(slug.length).toBeLessThanOrEqual(MAX_SLUG_LENGTH);
        expect(slugOf(slug)).toBe(slug);
        expect(slugOf(name.normalize('NFD'))).toBe(slug);
        expect(slugOf(` ${name.normalize('NFC')} `)).toBe(slug);
      }),
      { numRuns: 500 },
    );
  });

  test('of an ASCII name is what it was before other scripts were allowed', () => {
    const before = (name: string) =>
      name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '');
    const names = fc.stringMatching(/^[A-Za-z0-9 ._-]{2,63}$/);
    fc.assert(fc.property(names, (name) => expect(slugOf(name)).toBe(before(name))));
  });
});
