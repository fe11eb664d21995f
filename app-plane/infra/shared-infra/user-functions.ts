import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { asWarning } from '../../../infra/alarms.ts';
import { bundle } from '../../../infra/bundle.ts';
import * as allow from '../../../infra/permissions.ts';
import { alarmOnErrors, platformFunction } from '../../../infra/platform-function.ts';
import { suppressWildcards } from '../../../infra/suppress-wildcards.ts';

export interface UserFunctionsProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** The application plane's. */
  readonly table: Table;
  readonly passwordKey: Key;
  /** The page where tenants' users sign in. */
  readonly appUrl: string;
  readonly logRetention: RetentionDays;
}

/** The functions that serve the users of tenants: the triggers of all their user pools, and their users API. */
export class UserFunctions extends Construct {
  readonly preToken: LambdaFunction;
  readonly customMessage: LambdaFunction;
  readonly tenantUsers: LambdaFunction;
  readonly #props: UserFunctionsProps;

  constructor(scope: Construct, id: string, props: UserFunctionsProps) {
    super(scope, id);
    this.#props = props;
    const { prefix, table, passwordKey, appUrl } = props;
    const read = [allow.readItems(table)];
    this.preToken = this.#function('pre-token', 'Adds claims to the tokens of tenants', read);
    this.customMessage = this.#function('custom-message', 'Writes the mails of user pools', read, {
      TIERPLANE_APP_URL: appUrl,
    });
    for (const trigger of [this.preToken, this.customMessage]) this.#allowUserPools(trigger);
    this.tenantUsers = this.#function(
      'tenant-users',
      "Manages the users of the caller's tenant",
      [...allow.writeTable(table), allow.openPasswords(passwordKey), allow.manageTenantUsers(Stack.of(this), prefix)],
      { TIERPLANE_PREFIX: prefix, TIERPLANE_PASSWORD_KEY: passwordKey.keyArn },
    );
    allowTenantPools(this.tenantUsers);
    // A sign-in that is refused, because the user is disabled, counts as an error.
    asWarning(alarmOnErrors(this.preToken));
    asWarning(alarmOnErrors(this.customMessage));
    alarmOnErrors(this.tenantUsers);
  }

  /** @param name an entry point in app-plane/lambda */
  #function(
    name: string,
    description: string,
    statements: readonly PolicyStatement[],
    environment: Readonly<Record<string, string>> = {},
  ): LambdaFunction {
    const { table, logRetention } = this.#props;
    return platformFunction(this, name, {
      ...{ description, statements, logRetention },
      code: bundle(this, `app-plane/lambda/${name}`),
      environment: { TIERPLANE_TABLE: table.tableName, ...environment },
    });
  }

  /** Premium tenants have pools of their own, whose ids are not known here. The function refuses pools that it does not know. */
  #allowUserPools(trigger: LambdaFunction): void {
    const stack = Stack.of(this);
    trigger.addPermission('UserPools', {
      principal: new ServicePrincipal('cognito-idp.amazonaws.com'),
      sourceAccount: stack.account,
      sourceArn: stack.formatArn({ service: 'cognito-idp', resource: 'userpool', resourceName: '*' }),
    });
  }
}

/** cdk-nag reports the wildcard in the user pools' ARN. */
function allowTenantPools(tenantUsers: LambdaFunction): void {
  suppressWildcards(tenantUsers, {
    reason: "Premium tenants' user pools are created later. The condition allows only those of the environment.",
    appliesTo: ['Resource::arn:<AWS::Partition>:cognito-idp:<AWS::Region>:<AWS::AccountId>:userpool/*'],
  });
}
