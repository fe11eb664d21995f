import { describe, expect, test } from '@jest/globals';
import { mailTemplates, toTemplate } from '../../../core/identity/mail-templates.ts';

describe('mail templates', () => {
  test('ID-1: name what users sign in to, and have the placeholders that the sender replaces', () => {
    const { invitation, forgottenPassword } = mailTemplates('Initech');
    expect(invitation.subject).toBe('Your invitation to Initech');
    expect(invitation.html).toContain('User name:          {username}<br>\nTemporary password: {####}<br>\n');
    expect(forgottenPassword.subject).toBe('Choose a new password for Initech');
    expect(forgottenPassword.html).toContain('Code:      {####}<br>\n');
    // Cognito does not replace it in this mail.
    expect(forgottenPassword.html).not.toContain('{username}');
  });

  test('SE-1.11: show a name as it is, without placeholders of its own', () => {
    const { invitation } = mailTemplates('<b>{####}</b> & Co');
    expect(invitation.subject).toBe('Your invitation to <b>(####)</b> & Co');
    expect(invitation.html).toContain('invited to &lt;b&gt;(####)&lt;/b&gt; &amp; Co.<br>');
    expect(invitation.html.match(/\{####\}/g)).toHaveLength(1);
  });

  test('turn only the given address at the end of a line into a link', () => {
    const text = 'Sign in: https://a.example/?a=1&b=2\nhttps://a.example/?a=1&b=2 is it\nhttps://b.example/\n';
    const address = 'https://a.example/?a=1&amp;b=2';
    expect(toTemplate({ subject: 's', text }, 'https://a.example/?a=1&b=2').html.split('<br>\n')).toEqual([
      `Sign in: <a href="${address}">${address}</a>`,
      `${address} is it`,
      'https://b.example/',
      '',
    ]);
  });
});
