#!/usr/bin/env bash
# Prepares an AWS account and installs what all tenants share.
usage() {
  cat <<'TEXT'
Usage: scripts/init-install.sh [options]

Creates the service-linked roles of Amazon ECS, Elastic Load Balancing, API Gateway and Application Auto Scaling, prepares the
account for the AWS CDK, and installs the stacks shared-infra-stack, tenant-template-stack-basic and
tenant-template-stack-advanced with the templates of the release. Run scripts/build-application.sh first.

Options:
  --release NAME      the release that the pooled services run (default: the version of the package)
  --environment NAME  another environment; 1 to 11 lower-case letters and digits (default: main)
  --from-scratch      the images have this machine's architecture; see scripts/build-application.sh
  --dry-run           check the prerequisites and print the commands, but change nothing
  --help              print this text

Prerequisites: Node 24 (npm ci installs it on Linux), npm ci, AWS credentials that may deploy with the AWS CDK and create
service-linked roles, and a region.
TEXT
}

ACCEPTS='--release --from-scratch'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/lib/installation.sh"
parse_options "$@"
default_release
require_aws

synthesize
bootstrap
run node scripts/aws/service-linked-roles.ts
deploy "$assembly-shared-outputs.json" shared-infra-stack tenant-template-stack-basic tenant-template-stack-advanced
end_dry_run
echo "Installed what all tenants share, in release $release."
