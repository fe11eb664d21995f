import { Stack } from 'aws-cdk-lib';
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { routeKey } from '../../../core/routing/registry.ts';
import { AccountPages } from '../../../infra/account-pages.ts';
import { accountRecords } from '../../../infra/account-records.ts';
import { bundle } from '../../../infra/bundle.ts';
import * as allow from '../../../infra/permissions.ts';
import { suppressWildcards } from '../../../infra/suppress-wildcards.ts';

export interface TenantAccountPagesProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** The application plane's. */
  readonly table: Table;
  /** The control plane's API, which the pages become a part of. */
  readonly api: {
    readonly apiId: string;
    /** With or without a slash at the end. */
    readonly url: string;
    /** The address that mails are sent from. */
    readonly sender: string;
  };
  /** The page where tenants' users sign in. */
  readonly appUrl: string;
  readonly logRetention: RetentionDays;
}

/** The account pages of tenants' users. */
export class TenantAccountPages extends Construct {
  constructor(scope: Construct, id: string, props: TenantAccountPagesProps) {
    super(scope, id);
    const { prefix, table, api, appUrl, logRetention } = props;
    const stack = Stack.of(this);
    const tenants = routeKey('*').pk;
    const pages = new AccountPages(this, 'Pages', {
      api: HttpApi.fromHttpApiAttributes(this, 'Api', { httpApiId: api.apiId }),
      realm: '{realm}',
      code: bundle(this, 'app-plane/lambda/account-pages'),
      environment: {
        ...{ TIERPLANE_TABLE: table.tableName, TIERPLANE_APP_URL: appUrl },
        ...{ TIERPLANE_ACCOUNTS_URL: api.url, TIERPLANE_SENDER: api.sender },
      },
      statements: [
        ...accountRecords(table, {
          realms: ['pool', 'tenant-*'],
          reads: ['issuer#*', 'placement#*', tenants],
          checks: [tenants],
        }),
        allow.serveTenantAccounts(stack, prefix),
        allow.sendMail(stack, api.sender),
      ],
      logRetention,
    });
    suppressWildcards(pages.function, {
      reason: "Premium tenants' user pools are created later. The condition allows only those of the environment.",
      appliesTo: ['Resource::arn:<AWS::Partition>:cognito-idp:<AWS::Region>:<AWS::AccountId>:userpool/*'],
    });
  }
}
