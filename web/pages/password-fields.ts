import { MAX_PASSWORD_LENGTH } from '../../core/identity/password-policy.ts';
import { describedBy } from './form-errors.ts';
import { type Html, html } from './html.ts';

/** `maxlength` counts UTF-16 units; the password policy counts code points, which have one or two units. */
export const MAX_PASSWORD_UNITS = 2 * MAX_PASSWORD_LENGTH;

/** The two fields of a new password. They are sent as `newPassword` and `repeated`. */
export function newPasswordFields(options: {
  readonly minLength: number;
  /** The first error of the form. @default - none */
  readonly error?: string | undefined;
  readonly autofocus: boolean;
}): Html {
  const { minLength, error, autofocus } = options;
  return html`<div class="field"><label for="newPassword">New password</label>
<input id="newPassword" name="newPassword" type="password" autocomplete="new-password" required minlength="${minLength}"
  maxlength="${MAX_PASSWORD_UNITS}"${autofocus && html` autofocus`}${describedBy(error, 'rules')}>
<p id="rules" class="hint">At least ${minLength} characters, with a lowercase letter, an uppercase letter, a digit and a symbol.</p></div>
<div class="field"><label for="repeated">Repeat new password</label>
<input id="repeated" name="repeated" type="password" autocomplete="new-password" required maxlength="${MAX_PASSWORD_UNITS}"${describedBy(error)}></div>`;
}
