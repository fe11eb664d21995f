import { App, Aspects, CfnOutput } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { SiteConfigurations } from '../../../app-plane/infra/core-appplane/site-configuration.ts';
import { RegistryStack } from '../../../app-plane/infra/registry-stack.ts';
import { AccessLogs } from '../../../app-plane/infra/shared-infra/access-logs.ts';
import { EncryptedAlarmTopics } from '../../../app-plane/infra/shared-infra/alarm-topics.ts';
import { PooledUsers } from '../../../app-plane/infra/shared-infra/pooled-users.ts';
import { UserFunctions } from '../../../app-plane/infra/shared-infra/user-functions.ts';
import { WebSite } from '../../../app-plane/infra/shared-infra/web-site.ts';
import { notifyAlarms } from '../../../infra/alarms.ts';
import { boundCdkFunction } from '../../../infra/cdk-function.ts';
import { readSettings } from '../../../infra/configuration.ts';
import { passwordKey } from '../../../infra/password-key.ts';
import { platformTable } from '../../../infra/platform-table.ts';
import { TierplaneStack } from '../../../infra/tierplane-stack.ts';

/** A CDK app with the parts of shared-infra that tenants' users and administrators meet, without the network. */
const app = new App({ builtinCloudFormationValidation: false });
const settings = readSettings((key) => app.node.tryGetContext(key));
const { environmentName, configuration } = settings;

class Parts extends TierplaneStack {
  constructor() {
    super(app, 'parts', { environmentName, configuration, description: 'Parts of shared-infra' });
    const { prefix } = this;
    const logs = new AccessLogs(this, 'AccessLogs', { retentionDays: configuration.logRetentionDays });
    const sites = {
      admin: new WebSite(this, 'AdminSite', { name: `${prefix}-admin`, logs }),
      app: new WebSite(this, 'AppSite', { name: `${prefix}-app`, logs }),
    };
    const table = platformTable(this, 'Table');
    const functions = new UserFunctions(this, 'Users', {
      ...{ prefix, table, appUrl: sites.app.url, logRetention: configuration.logRetentionDays },
      passwordKey: passwordKey(this),
    });
    const pool = new PooledUsers(this, 'Pool', { prefix, siteUrl: sites.app.url, ...functions });
    const topics = new EncryptedAlarmTopics(this, 'Alarms', { prefix, emails: configuration.alarmEmails });
    const signedIn = { apiUrl: 'https://api.example.com/', clientId: pool.clientId, signInUrl: pool.signInUrl };
    new SiteConfigurations(this, 'SiteConfigurations', {
      ...{ sites, environmentName, version: '1.2.3', controlPlane: signedIn, tenants: signedIn },
    });
    boundCdkFunction(this, configuration.logRetentionDays);
    notifyAlarms(this, topics);
    const outputs = { tableName: table.tableName, signInUrl: pool.signInUrl, clientId: pool.clientId };
    const urls = { adminSite: sites.admin.url, appSite: sites.app.url, issuer: pool.issuer };
    for (const [name, value] of Object.entries({ ...outputs, ...urls })) new CfnOutput(this, name, { value });
  }
}

new RegistryStack(app, settings);
new Parts();
if (settings.nag) Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true, reports: true }));
app.synth();
