import { type Html, html } from './html.ts';

/** The errors of a form, above it. `describedBy` links its fields to them. */
export function errorSummary(errors: readonly string[]): Html {
  const text =
    errors.length === 1 ? html`${errors[0]}` : html`<ul>${errors.map((error) => html`<li>${error}</li>`)}</ul>`;
  return html`<div id="problem" class="notice bad" role="alert">${text}</div>`;
}

/** @param hint the id of the element that describes the field, whether or not there is an error */
export function describedBy(error: string | undefined, hint?: string): Html | false {
  if (error !== undefined) return html` aria-invalid="true" aria-describedby="problem${hint && html` ${hint}`}"`;
  return hint !== undefined && html` aria-describedby="${hint}"`;
}
