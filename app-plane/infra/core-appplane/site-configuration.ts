import { createHash } from 'node:crypto';
import { Construct } from 'constructs';
import { ADMIN_SIGN_IN_SCOPE, issuerOf } from '../../../core/identity/issuers.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import type { SiteConfiguration } from '../../../core/site-configuration.ts';
import type { Site } from '../shared-infra/shared-infra.ts';
import { SiteFile } from '../site-file.ts';
import { PAGE_STYLE, type SitePage, sitePage } from './site-page.ts';

/** An API, and the user pool whose users call it. */
export interface SignedInApi {
  /** Base URL of the API, with or without a slash at the end. */
  readonly apiUrl: string;
  /** The public client of the user pool. */
  readonly clientId: string;
  /** Base URL of managed login. */
  readonly signInUrl: string;
}

export interface SiteConfigurationsProps {
  readonly sites: { readonly admin: Site; readonly app: Site };
  /** The program's version. */
  readonly version: string;
  readonly environmentName: string;
  readonly controlPlane: SignedInApi;
  /** The tenants' REST API, and the pooled user pool. */
  readonly tenants: SignedInApi;
}

/** The scope of the tenants' sign-in: the REST API needs no more than the user's identity. */
export const TENANT_SIGN_IN_SCOPE = 'openid email';

/** Writes `config.json` of both sites, and a page that shows the addresses. */
export class SiteConfigurations extends Construct {
  constructor(scope: Construct, id: string, props: SiteConfigurationsProps) {
    super(scope, id);
    const { sites, version, environmentName: environment } = props;
    const common = { home: 'aws', version, environment } as const;
    const controlPlane = withoutSlash(props.controlPlane.apiUrl);
    const tenants = withoutSlash(props.tenants.apiUrl);
    const admin: SiteConfiguration = {
      ...common,
      apis: { controlPlane },
      signIn: signIn(props.controlPlane, ADMIN_SIGN_IN_SCOPE),
    };
    const app: SiteConfiguration = {
      ...common,
      apis: { controlPlane, tenants },
      signIn: signIn(props.tenants, TENANT_SIGN_IN_SCOPE),
    };
    this.#publish('Admin', sites.admin, admin, adminPage(admin));
    this.#publish('App', sites.app, app, appPage(app));
  }

  #publish(name: string, { bucket }: Site, configuration: SiteConfiguration, page: SitePage): void {
    const style = `assets/page-${createHash('sha256').update(PAGE_STYLE).digest('hex').slice(0, 16)}.css`;
    const file = (id: string, path: string, content: string): SiteFile =>
      new SiteFile(this, `${name}${id}`, { bucket, path, content });
    file('Configuration', 'config.json', `${JSON.stringify(configuration, undefined, 2)}\n`);
    const published = file('Style', style, PAGE_STYLE);
    file('Page', 'index.html', sitePage(page, `/${style}`)).node.addDependency(published);
  }
}

/** @see https://docs.aws.amazon.com/cognito/latest/developerguide/managed-login-endpoints.html */
function signIn({ clientId, signInUrl }: SignedInApi, scope: string): SiteConfiguration['signIn'] {
  return {
    ...{ clientId, scope },
    authorizeUrl: `${signInUrl}/oauth2/authorize`,
    tokenUrl: `${signInUrl}/oauth2/token`,
    revokeUrl: `${signInUrl}/oauth2/revoke`,
    signOutUrl: `${signInUrl}/logout`,
  };
}

function adminPage({ version, environment, apis }: SiteConfiguration): SitePage {
  return {
    title: 'Tierplane: administration',
    introduction: 'The control plane of this installation is ready. Administer it with the command line.',
    facts: {
      ...{ Version: version, Environment: environment, 'Control plane': apis.controlPlane },
      ...accountPages(apis.controlPlane, 'admin'),
    },
    commands: {
      [`npx tierplane login --url ${apis.controlPlane}`]: 'Sign in as a system administrator:',
      'npx tierplane tenants list': 'List the tenants:',
      'npx tierplane tenants create --help': 'Register a tenant:',
    },
  };
}

function appPage({ version, environment, apis }: SiteConfiguration): SitePage {
  return {
    title: 'Tierplane: application',
    introduction: 'The tenants of this installation use the services at the address of their API.',
    facts: {
      ...{ Version: version, Environment: environment, 'Control plane': apis.controlPlane },
      ...(apis.tenants !== undefined && { "Tenants' API": apis.tenants }),
      ...accountPages(apis.controlPlane, 'pool'),
    },
    commands: {
      [`npx tierplane token --tenant acme --url ${apis.controlPlane}`]:
        'Get an access token as a user of the tenant acme:',
      'npx tierplane throttle-test --tenant acme': "Try the limits of a tenant's usage plan:",
    },
  };
}

/** Where users help themselves: infra/account-pages.ts. */
function accountPages(api: string, realm: RealmId): SitePage['facts'] {
  const base = issuerOf(api, realm);
  return {
    'Forgot your password?': `${base}/forgot-password`,
    'Change your password': `${base}/account/password`,
    'Sign out everywhere': `${base}/account/sign-out-everywhere`,
  };
}

/** The last character is a slash in some of the addresses that CDK makes, whose value is known at deployment only. */
function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}
