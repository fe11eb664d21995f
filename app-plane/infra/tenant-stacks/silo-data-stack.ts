import { CfnCondition, CfnDeletionPolicy, Fn } from 'aws-cdk-lib';
import { AccountRootPrincipal, AnyPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { actionsOf } from '../../../infra/allow.ts';
import { type PlatformProps, TierplaneStack } from '../../../infra/tierplane-stack.ts';
import { serviceTable, tableNames } from './service-tables.ts';
import { DATA_TEMPLATE, SILO_DATA_PARAMETERS } from './silo-parameters.ts';
import { templateOnly, textParameters } from './silo-stack.ts';

/** For how many days a key can be restored after its tenant was deleted. */
const KEY_PENDING_DAYS = 30;

const USING = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'DescribeKey'];
/** What the account's roles may do as far as their own policies allow it. */
const MANAGING = [
  ...['GetKeyPolicy', 'PutKeyPolicy', 'EnableKey', 'DisableKey', 'UpdateKeyDescription'],
  ...['EnableKeyRotation', 'DisableKeyRotation', 'GetKeyRotationStatus', 'ScheduleKeyDeletion', 'CancelKeyDeletion'],
  ...['TagResource', 'UntagResource', 'ListResourceTags', 'CreateGrant', 'ListGrants', 'RevokeGrant'],
];

/**
 * The template of one silo tenant's tables. They have a stack of their own, so that a failed deployment cannot touch data. They
 * remain when the stack is deleted.
 */
export class SiloDataStack extends TierplaneStack {
  constructor(scope: Construct, props: PlatformProps) {
    super(scope, DATA_TEMPLATE, {
      ...props,
      description: 'Tables of one tenant',
      tenant: { tenantId: Fn.ref('TenantId'), tier: Fn.ref('Tier') },
      synthesizer: templateOnly(),
    });
    const { TenantId, EncryptionKey } = textParameters(this, SILO_DATA_PARAMETERS);
    const hasOwnKey = new CfnCondition(this, 'HasOwnKey', { expression: Fn.conditionEquals(EncryptionKey, 'own') });
    const name = `${this.prefix}-silo-${TenantId}`;
    const key = this.#key(hasOwnKey, name);
    const own = { sseEnabled: true, sseType: 'KMS', kmsMasterKeyId: key.attrArn };
    for (const [service, tableName] of Object.entries(tableNames(name))) {
      const policy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
      const table = serviceTable(this, `${service}Table`, { tableName, pooled: false, policy });
      table.addPropertyOverride(
        'SSESpecification',
        Fn.conditionIf(hasOwnKey.logicalId, toProperties(own), Fn.ref('AWS::NoValue')),
      );
    }
  }

  /**
   * Rotated every year. Only the data roles of the tenant's services use it, through DynamoDB.
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
   */
  #key(condition: CfnCondition, name: string): CfnKey {
    const dataRoles = this.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: `${name}-*-d` });
    const manage = new PolicyStatement({
      principals: [new AccountRootPrincipal()],
      actions: actionsOf('kms', [...MANAGING, ...USING]),
      resources: ['*'],
    });
    const use = new PolicyStatement({
      principals: [new AnyPrincipal()],
      actions: actionsOf('kms', USING),
      resources: ['*'],
      conditions: {
        StringEquals: {
          'kms:CallerAccount': this.account,
          'kms:ViaService': `dynamodb.${this.region}.${this.urlSuffix}`,
        },
        ArnLike: { 'aws:PrincipalArn': dataRoles },
      },
    });
    const key = new CfnKey(this, 'Key', {
      ...{ description: "A tenant's tables", enableKeyRotation: true, pendingWindowInDays: KEY_PENDING_DAYS },
      keyPolicy: new PolicyDocument({ statements: [manage, use] }),
    });
    key.cfnOptions.condition = condition;
    return key;
  }
}

/** Names of properties as templates have them. */
function toProperties(own: { sseEnabled: boolean; sseType: string; kmsMasterKeyId: string }) {
  return { SSEEnabled: own.sseEnabled, SSEType: own.sseType, KMSMasterKeyId: own.kmsMasterKeyId };
}
