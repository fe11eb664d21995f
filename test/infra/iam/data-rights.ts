import type { DataRights } from './data-calls.ts';

/** The tables of the AWS home. `own` is the table of the role's own service, `other` that of another service. */
export type TableKind = 'own' | 'other' | 'pooled' | 'silo' | 'app-plane' | 'control-plane';

const READ: DataRights = { GetItem: 'any', TransactGetItems: 'any' };
const QUERY: DataRights = { Query: 'any', 'Query of an index': 'any' };
const PUT_AND_DELETE: DataRights = {
  ...{ PutItem: 'any', 'TransactWriteItems with a Put': 'any' },
  ...{ DeleteItem: 'any', 'TransactWriteItems with a Delete': 'any' },
};
const WRITE: DataRights = { ...PUT_AND_DELETE, 'TransactWriteItems with a ConditionCheck': 'any' };
const OF_THE_TENANT: DataRights = {
  ...{ GetItem: 'own', Query: 'own', 'Query of an index': 'own', TransactGetItems: 'own' },
  ...{ PutItem: 'own', 'TransactWriteItems with a Put': 'own' },
  ...{ DeleteItem: 'own', 'TransactWriteItems with a Delete': 'own' },
  'TransactWriteItems with a ConditionCheck': 'own',
};

/**
 * What each role of the templates may do with tenants' data and with the tables of the planes. A role, a table or a call that
 * is not listed is refused. Roles are named as `HomeRole` names them.
 */
export const DATA_RIGHTS: Readonly<Record<string, Partial<Record<TableKind, DataRights>>>> = {
  'tasks/data': { own: OF_THE_TENANT },
  'shared-infra-stack/UserFunctionspretokenRole': { 'app-plane': READ },
  'shared-infra-stack/UserFunctionscustommessageRole': { 'app-plane': READ },
  'shared-infra-stack/UserFunctionstenantusersRole': { 'app-plane': { ...READ, ...QUERY, ...WRITE } },
  'shared-infra-stack/authorizerRole': { 'app-plane': READ },
  // In the planes' tables, these reach records by the beginning of their keys only; none of them begins with a tenant's id.
  'core-appplane-stack/AccountsPagesFunctionRole': {},
  'controlplane-stack/AccountPagesFunctionRole': {},
  'core-appplane-stack/ProvisionerAcceptRole': { 'app-plane': { ...READ, ...WRITE } },
  'core-appplane-stack/ProvisionerDeadLettersRole': { 'app-plane': { ...READ, ...WRITE } },
  'core-appplane-stack/ProvisionerReconcileRole': {
    'app-plane': { ...READ, ...QUERY, ...WRITE },
    // Deletes the items of a tenant that is offboarded.
    pooled: { ...READ, ...PUT_AND_DELETE, 'Query of the index by tenant': 'any' },
  },
  // In the planes' tables, it reaches records as the account pages do.
  'core-appplane-stack/OperatorRoutesRole': { pooled: { 'Query of the index by tenant': 'any' } },
  'core-appplane-stack/ProvisionerSweepRole': { 'app-plane': { ...READ, ...QUERY } },
  'controlplane-stack/AdminuserManagementExecRole': { 'control-plane': { ...READ, ...QUERY, ...WRITE } },
  'controlplane-stack/AdmincreateAdminUserFunctionServiceRole': { 'control-plane': { ...READ, ...WRITE } },
  'controlplane-stack/ControlPlanetenantManagementServicetenantManagementLambdatenantManagementExecRole': {
    'control-plane': { ...READ, ...QUERY, ...WRITE },
  },
  'controlplane-stack/ControlPlanetenantRegistrationServicetenantRegistrationLambdaTenantRegistrationFuncServiceRole': {
    'control-plane': { ...READ, ...QUERY, ...WRITE },
  },
  'controlplane-stack/ControlPlanetenantConfigServicetenantConfigLambdaTenantConfigServiceLambdaServiceRole': {
    'control-plane': READ,
  },
};
