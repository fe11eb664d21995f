import { Aspects, type IAspect, Stack } from 'aws-cdk-lib';
import { type AlarmBase, CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IConstruct } from 'constructs';

/** Where alarms are sent. */
export interface AlarmTopics {
  /** Someone must act now. */
  readonly critical: ITopic;
  /** Someone should look during working hours. */
  readonly warning: ITopic;
}

const warnings = new WeakSet<IConstruct>();

/** Marks an alarm as a warning. Alarms without the mark are critical. @returns the alarm */
export function asWarning<T extends AlarmBase>(alarm: T): T {
  const resource = alarm.node.defaultChild;
  if (resource) warnings.add(resource);
  return alarm;
}

/**
 * Makes every alarm below `scope` notify a topic when it fires, and again when it is over. Alarms that have an action of their
 * own keep it.
 */
export function notifyAlarms(scope: IConstruct, topics: AlarmTopics): void {
  Aspects.of(scope).add({
    visit(node) {
      if (!(node instanceof CfnAlarm || node instanceof CfnCompositeAlarm)) return;
      const { topicArn } = warnings.has(node) ? topics.warning : topics.critical;
      const isSet = (actions: string[] | undefined) => Stack.of(node).resolve(actions)?.length > 0;
      if (!isSet(node.alarmActions)) node.alarmActions = [topicArn];
      if (!isSet(node.okActions)) node.okActions = [topicArn];
    },
  } satisfies IAspect);
}
