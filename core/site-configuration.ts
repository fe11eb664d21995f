/** `/config.json` of a site: what a web application reads before it can show anything. It contains no secret. */
export interface SiteConfiguration {
  readonly home: 'aws' | 'embedded';
  /** The program's version. */
  readonly version: string;
  readonly environment: string;
  /** Base URLs of the APIs, without a slash at the end. */
  readonly apis: {
    readonly controlPlane: string;
    /** The tenants' APIs; of a tenant in shard 1 at `<tenants>/s1`. @default - this site uses none */
    readonly tenants?: string;
  };
  /** How users of this site sign in: code with PKCE, by a public client. */
  readonly signIn: {
    readonly clientId: string;
    readonly scope: string;
    readonly authorizeUrl: string;
    readonly tokenUrl: string;
    readonly revokeUrl: string;
    readonly signOutUrl: string;
  };
}
