import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { AlarmTopics } from '../../../infra/alarms.ts';

export interface AlarmTopicsProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** The addresses that are notified. AWS asks each of them for a confirmation. */
  readonly emails: Readonly<Record<keyof AlarmTopics, readonly string[]>>;
}

const CLOUDWATCH = new ServicePrincipal('cloudwatch.amazonaws.com');

/** The topics that the alarms of every stack notify. */
export class EncryptedAlarmTopics extends Construct implements AlarmTopics {
  readonly critical: ITopic;
  readonly warning: ITopic;

  constructor(scope: Construct, id: string, { prefix, emails }: AlarmTopicsProps) {
    super(scope, id);
    const key = this.#key();
    this.critical = this.#topic('Critical', `${prefix}-alarms-critical`, key, emails.critical);
    this.warning = this.#topic('Warning', `${prefix}-alarms-warning`, key, emails.warning);
  }

  /** CloudWatch can use only keys whose policy names it. The policies of AWS's own keys do not. */
  #key(): Key {
    const key = new Key(this, 'Key', {
      description: 'Encrypts notifications of alarms',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        principals: [CLOUDWATCH],
        resources: ['*'],
        conditions: this.#ownAlarms(),
      }),
    );
    return key;
  }

  #topic(id: string, topicName: string, key: Key, emails: readonly string[]): ITopic {
    // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
    const topic = new Topic(this, id, { topicName, masterKey: key as IKey, enforceSSL: true });
    // This policy replaces the default one, which allows the account's alarms to publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ['sns:Publish'],
        principals: [CLOUDWATCH],
        resources: [topic.topicArn],
        conditions: this.#ownAlarms(),
      }),
    );
    for (const email of emails) topic.addSubscription(new EmailSubscription(email));
    return topic as ITopic;
  }

  #ownAlarms() {
    const { account, region, partition } = Stack.of(this);
    return {
      ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:*` },
      StringEquals: { 'aws:SourceAccount': account },
    };
  }
}
