#!/usr/bin/env bash
# Installs the control plane into the AWS account of the current credentials. A second run updates the stacks.
usage() {
  cat <<'TEXT'
Usage: scripts/sbt-install.sh <admin_email> [options]

Installs Tierplane's control plane into an AWS account and invites <admin_email> as the first system administrator.

Options:
  --control-plane-only  install the control plane alone, which is what this script installs today
  --environment NAME    install another environment; 1 to 12 lower-case letters and digits (default: main)
  --require-mfa         require a second factor of every administrator
  --dry-run             check the prerequisites and print the commands, but change nothing
  --help                print this text

Prerequisites: Node 24 (npm ci installs it on Linux), npm ci, AWS credentials that may deploy with the AWS CDK (AWS_PROFILE,
or keys in the environment), and a region (AWS_REGION, or the region of the profile). Docker, Python and the AWS CLI are not
needed. The templates are written to dist/cdk, or to the folder in TIERPLANE_CDK_OUTPUT.
TEXT
}

ACCEPTS='email --control-plane-only --require-mfa'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/lib/installation.sh"
control_plane_only=yes
parse_options "$@"
default_release
require_aws

synthesize
bootstrap
deploy "$assembly-outputs.json" controlplane-stack
end_dry_run

echo "Installed. The first installation sends an invitation to $email."
echo 'Sign in at the address in the output signIn.'
echo "All outputs are in $assembly-outputs.json."
