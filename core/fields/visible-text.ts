import * as z from 'zod';

/**
 * Characters that nobody sees, or that change how others are shown: control and format characters (zero width, bidi
 * controls), line separators, lone surrogates, private use, noncharacters, fillers, the blank Braille pattern. Variation
 * selectors are not among them: emoji and some scripts need them.
 *
 * @see https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{NChar}\u2800]|(?!\p{VS})\p{DI}/u;
const SEEN = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** What a text breaks that is not visible. */
export const UNSEEN_MESSAGE = 'must not contain control characters, line breaks or invisible characters';

/** Whether the text has only characters that people can see, and spaces. */
export function isVisible(text: string): boolean {
  return !UNSEEN.test(text);
}

/**
 * One line of text that people read, such as the name of a tenant or of a product: `min` to `max` UTF-16 units after
 * surrounding white space is removed, in the normal form NFC, with no invisible character.
 */
export function visibleText(max: number, min = 1) {
  return z
    .string()
    .trim()
    .normalize('NFC')
    .min(min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
    .max(max, `must have at most ${max} characters`)
    .refine(isVisible, UNSEEN_MESSAGE)
    .refine((text) => text === '' || SEEN.test(text), 'must have a character that is not a space or a mark');
}
