import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type CustomMessage, customMessage } from '../../../../adapters/aws/mail/custom-message.ts';
import type { MailTenant } from '../../../../core/ports/identity.ts';

const ACME: MailTenant = { tenantName: 'Acme Inc.', slug: 'acme-inc' };
const PAGE = 'https://app.example.com/';

/** An event in the shape that AWS documents. @param more replaces properties of its request */
function triggerEvent(triggerSource: string, more: object = {}): object {
  return {
    version: '1',
    ...{ triggerSource, region: 'eu-central-1', userPoolId: 'eu-central-1_abc', userName: 'jo@acme.example' },
    callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId: 'CLIENT_ID_NOT_APPLICABLE' },
    request: {
      userAttributes: { sub: 'subject-1', email: 'jo@acme.example' },
      ...{ codeParameter: '{####}', usernameParameter: '{username}' },
      ...more,
    },
    response: { smsMessage: null, emailMessage: null, emailSubject: null },
  };
}

function messageFor(event: unknown, tenant?: MailTenant): Promise<CustomMessage | undefined> {
  return customMessage(event, { signInPage: PAGE, tenantOf: async () => tenant });
}

const INVITE = 'CustomMessage_AdminCreateUser';
const FORGOT = 'CustomMessage_ForgotPassword';

describe('the mails of user pools', () => {
  test('ID-1: an invitation names the tenant, and links to the sign-in page with the tenant and the user', async () => {
    const message = await messageFor(triggerEvent(INVITE, { clientMetadata: { ...ACME } }));
    expect(message?.emailSubject).toBe('Your invitation to Acme Inc.');
    const lines = message?.emailMessage.split('<br>\n');
    expect(lines).toContain('You have been invited to Acme Inc.');
    const link = `${PAGE}?tenant=acme-inc&amp;login_hint=jo%40acme.example`;
    expect(lines).toContain(`Sign in:            <a href="${link}">${link}</a>`);
    expect(lines).toContain('User name:          {username}');
    expect(lines).toContain('Temporary password: {####}');
  });

  test('ID-1: a mail about a forgotten password names the tenant, which is found by the user', async () => {
    const withoutMetadata = triggerEvent(FORGOT, { usernameParameter: null });
    const message = await messageFor(withoutMetadata, ACME);
    expect(message?.emailSubject).toBe('Choose a new password for Acme Inc.');
    expect(message?.emailMessage).toContain('Code:      {####}<br>');
    expect(message?.emailMessage).toContain('User name: jo@acme.example<br>');
    await expect(messageFor(withoutMetadata)).resolves.toBeUndefined();
  });

  test('SE-1: a mail about a forgotten password has the code once, whatever the user is called', async () => {
    const event = { ...triggerEvent(FORGOT, { clientMetadata: { ...ACME } }), userName: 'j{####}&o@acme.example' };
    const message = await messageFor(event);
    expect(message?.emailMessage.split('{####}')).toHaveLength(2);
    expect(message?.emailMessage).toContain('User name: j(####)&amp;o@acme.example<br>');
  });

  test("leaves mails of other kinds to the pool's own text", async () => {
    for (const kind of [
      'SignUp',
      'ResendCode',
      'UpdateUserAttribute',
      'VerifyUserAttribute',
      'Authentication',
      'New',
    ]) {
      const event = triggerEvent(`CustomMessage_${kind}`, { clientMetadata: { ...ACME } });
      await expect(messageFor(event, ACME)).resolves.toBeUndefined();
    }
  });

  test.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['a list', []],
    ['no slug', { tenantName: 'Acme' }],
    ['no name', { slug: 'acme' }],
    ['an empty name', { tenantName: '', slug: 'acme' }],
    ['a name of two lines', { tenantName: 'Acme\nBcc: x@y.example', slug: 'acme' }],
    ['a name with a direction override', { tenantName: 'Acme\u202e', slug: 'acme' }],
    ['a name of 64 characters', { tenantName: 'a'.repeat(64), slug: 'acme' }],
    ['a name with an unassigned character', { tenantName: 'Acme \u0378', slug: 'acme' }],
    ['a number as the name', { tenantName: 7, slug: 'acme' }],
    ['a slug with a query', { tenantName: 'Acme', slug: 'acme&tenant=other' }],
    ['a slug that is an address', { tenantName: 'Acme', slug: 'https://evil.example' }],
    ['a slug of 64 characters', { tenantName: 'Acme', slug: 'a'.repeat(64) }],
  ])("sends the pool's own invitation for metadata that are not valid: %s", async (_which, clientMetadata) => {
    await expect(messageFor(triggerEvent(INVITE, { clientMetadata }), ACME)).resolves.toBeUndefined();
  });

  test.each([undefined, null, 'text', 7, {}, { triggerSource: INVITE }, { ...triggerEvent(INVITE), request: null }])(
    'does not fail for an event that Cognito would not send: %j',
    async (event) => {
      await expect(messageFor(event, ACME)).resolves.toBeUndefined();
    },
  );

  test('looks no tenant up for an invitation, whose user is not in the registry yet', async () => {
    const tenantOf = jest.fn(async () => ACME);
    await customMessage(triggerEvent(INVITE), { signInPage: PAGE, tenantOf });
    expect(tenantOf).not.toHaveBeenCalled();
  });

  test('SE-1.11: shows what a tenant or a user chose as it is, and puts the password nowhere else', async () => {
    const hostile = fc.constantFrom(
      '{####}',
      '{username}',
      '<img src=x>',
      '"><script>',
      '&amp;',
      "'",
      '{',
      '}',
      'Ü',
      '</a>',
    );
    const name = fc.array(hostile, { minLength: 1, maxLength: 4 }).map((parts) => `x${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(name, fc.constantFrom(INVITE, FORGOT), async (text, source) => {
        const event = triggerEvent(source, { clientMetadata: { tenantName: text.replaceAll('/', ''), slug: 'x' } });
        const message = await messageFor({ ...event, userName: text });
        const { emailSubject = '', emailMessage = '' } = message ?? {};
        expect(emailMessage.match(/\{####\}/g)).toHaveLength(1);
        expect(emailMessage.match(/\{username\}/g) ?? []).toHaveLength(source === INVITE ? 1 : 0);
        expect(emailSubject).not.toMatch(/[{}]/);
        const tags = emailMessage.match(/<[^>]*>?/g) ?? [];
        expect(tags.filter((tag) => !/^<(br|\/a|a href="https:\/\/app\.example\.com\/\?[^"<>]*")>$/.test(tag))).toEqual(
          [],
        );
      }),
    );
  });
});
