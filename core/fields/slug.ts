import { crockfordText } from '../encoding/crockford.ts';

/** The longest label of a host name (RFC 1035): a slug may become one. */
export const MAX_SLUG_LENGTH = 63;
const DIGEST_LENGTH = 8;

/** Latin letters that NFKD does not take apart, Greek and Cyrillic, each with its usual romanisation without marks. */
const ROMAN = table(
  'ß ss æ ae œ oe ø o đ d ð d þ th ł l ħ h ı i ĸ k ŋ n ŧ t ƒ f ə e ɓ b ɗ d ɛ e ɔ o ƙ k ƴ y ǝ e ' +
    'α a β b γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o ' +
    'а a б b в v г g д d е e ж zh з z и i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch ' +
    'ы y э e ю yu я ya є ye і i ґ g ђ dj ј j љ lj њ nj ћ c џ dz ѕ dz қ q ғ g ң n ө o ұ u ү u һ h ә a',
);
/** Signs of softness and glottal stops, which are letters in Unicode. Romanisations without marks leave them out. */
const SILENT = /[ъьʹʺʻʼ]/g;
/** A letter or digit that is left after transliteration. */
const FOREIGN = /(?![a-z0-9])[\p{L}\p{N}]/u;

/**
 * The name as URLs show it and as uniqueness compares it: in lower case and ASCII, one '-' for each run of other
 * characters, none at the ends, at most 63 characters. Two names that differ only in case, marks or punctuation have the
 * same slug.
 *
 * A name with letters that this table cannot transliterate, and one that is too long, ends with a digest of the whole
 * name, so that two such names differ: `東京 Motors` is `motors-` and 8 characters (docs/decisions/0015).
 *
 * @returns '' if the name has no letter or digit; such a name is refused
 */
export function slugOf(name: string): string {
  const letters = transliterate(name);
  const slug = hyphenated(letters);
  if (slug.length <= MAX_SLUG_LENGTH && !FOREIGN.test(letters)) return slug;
  const start = hyphenated(slug.slice(0, MAX_SLUG_LENGTH - DIGEST_LENGTH - 1)) || 'name';
  return `${start}-${digestOf(name)}`;
}

function transliterate(name: string): string {
  // Lower case before and after: 'İ' becomes 'i' and a mark.
  const letters = name.normalize('NFKD').toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(SILENT, '');
  return Array.from(letters, (letter) => ROMAN.get(letter) ?? letter).join('');
}

function hyphenated(letters: string): string {
  return letters.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
}

/**
 * 8 characters: FNV-1a of 64 bits over the letters, marks and digits in lower case. Equal digests only mean that the name
 * counts as taken.
 */
function digestOf(name: string): string {
  let hash = 0xcbf29ce484222325n;
  const letters = name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
  for (const byte of new TextEncoder().encode(letters)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  const bytes = Array.from({ length: DIGEST_LENGTH }, (_, i) => Number((hash >> BigInt(8 * i)) & 0xffn));
  return crockfordText(Uint8Array.from(bytes));
}

function table(pairs: string): ReadonlyMap<string, string> {
  const words = pairs.split(' ');
  const entries: [string, string][] = [];
  for (let i = 0; i + 1 < words.length; i += 2) entries.push([words[i] ?? '', words[i + 1] ?? '']);
  return new Map(entries);
}
