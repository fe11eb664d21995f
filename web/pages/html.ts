import { escapeHtml } from '../../core/encoding/html.ts';

/** Safe markup. `html` creates it and escapes every value. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | false | undefined | readonly Value[];

function render(value: Value): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}

/** Creates markup from a template. Values are escaped unless they are `Html`; lists are joined; undefined and false are omitted. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

/** Marks text as safe without escaping it. Use it only for markup of the project or of a library, never for user input. */
export function trusted(text: string): Html {
  return new Html(text);
}
