import { expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alarm, AlarmRule, AlarmState, CompositeAlarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { asWarning, notifyAlarms } from '../../infra/alarms.ts';

test('every alarm of every stack notifies a topic when it fires and when it is over: critical unless marked as a warning', () => {
  const app = new App();
  const topics = new Stack(app, 'topics');
  const critical = new Topic(topics, 'Critical', { topicName: 'critical' });
  const warning = new Topic(topics, 'Warning', { topicName: 'warning' });
  const stack = new Stack(app, 'alarms');
  const alarm = (name: string): Alarm =>
    new Alarm(stack, name, {
      metric: new Metric({ namespace: 'n', metricName: name }),
      threshold: 1,
      evaluationPeriods: 1,
    });
  const plain = alarm('Plain');
  asWarning(alarm('Marked'));
  new CompositeAlarm(stack, 'Composite', { alarmRule: AlarmRule.fromAlarm(plain, AlarmState.ALARM) });
  notifyAlarms(app, { critical, warning });
  const { Resources } = Template.fromStack(stack).toJSON();
  const actions = Object.entries<{ Properties: Record<string, unknown> }>(Resources).map(([id, { Properties }]) => {
    expect(Properties.OKActions).toEqual(Properties.AlarmActions);
    return [id.replace(/[0-9A-F]{8}$/, ''), /Critical|Warning/.exec(JSON.stringify(Properties.AlarmActions))?.[0]];
  });
  expect(Object.fromEntries(actions)).toEqual({ Plain: 'Critical', Marked: 'Warning', Composite: 'Critical' });
});
