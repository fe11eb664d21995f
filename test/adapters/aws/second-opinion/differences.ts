/**
 * What moto does not do as AWS does, by the name of the test that shows it. These tests do not run against moto; they run
 * against the emulated account, in their own suites. docs/aws-proof.md lists the same.
 */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  'fails if the bus refuses the events of a successful request': 'moto accepts events whose source begins with `aws.`',
  'SE-1.4: delivers nothing to a queue whose policy does not allow the rule': 'moto ignores the policies of queues',
  'ID-1: invite again with a new temporary password, also when it is repeated; the one before is void':
    'moto sends no invitation by mail',
  'ID-1: take a chosen password in place of a temporary or an earlier one': 'moto sends no invitation by mail',
  'ON-6: end the sessions of withdrawn credentials only, also when it is repeated':
    'moto responds with status 500 to the refresh token of a deleted user',
  "a tenant's own store is created and deleted, and another tenant's stays":
    'moto has no UpdateTerminationProtection of CloudFormation',
  'a store that was deleted is created again when the onboarding is repeated':
    'moto has no UpdateTerminationProtection of CloudFormation',
  "a silo tenant's tables are deleted although their stack retains them, and only when its services have ended":
    'moto has no UpdateTerminationProtection of CloudFormation',
};

/** Tests that take long with moto. They do not run against it either. */
export const SLOW: readonly string[] = [
  'pages over 1,200 items without loss or repetition, at any page size, by table and by index',
  'behaves like a map, whatever the transactions',
  'ON-6: the pooled items of one tenant are deleted past the first page, and those of a tenant whose id begins with the same characters stay',
  'lists dead letters of all consumers, or of one, in pages',
  'ON-6: the users of a tenant are listed in pages without loss or repetition, and deleted without touching other tenants',
  'ID-2: the last enabled administrator of a tenant can be neither demoted, disabled nor deleted',
  'SE-6: a user of any accepted name and email is found, listed, changed and deleted',
];
