#!/bin/sh
# Installs the control plane into the AWS account of the current credentials. Idempotent: a second run updates the stack.
set -eu

usage() {
  cat <<'TEXT'
Usage: scripts/sbt-install.sh <admin_email> [options]

Installs Tierplane's control plane into an AWS account and invites <admin_email> as the first system administrator.

Options:
  --environment NAME   install another environment; 1 to 12 lower-case letters and digits (default: main)
  --require-mfa        require a second factor of every administrator
  --dry-run            check the prerequisites and create the template, but change nothing
  --help               print this text

Prerequisites: Node 24 (npm ci installs it on Linux), npm ci, AWS credentials that may deploy with the AWS CDK (AWS_PROFILE,
or keys in the environment), and a region (AWS_REGION, or the region of the profile). Docker, Python and the AWS CLI are not
needed. The template is written to dist/cdk, or to the folder in TIERPLANE_CDK_OUTPUT.
TEXT
}

fail() {
  printf 'sbt-install: %s\n\n' "$1" >&2
  usage >&2
  exit 1
}

email='' environment=main mfa=optional dry_run=no
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --dry-run) dry_run=yes ;;
    --require-mfa) mfa=required ;;
    --environment) [ $# -ge 2 ] || fail '--environment needs a name'; environment=$2; shift ;;
    -*) fail "unknown option $1" ;;
    *) [ -z "$email" ] || fail 'expected one email address, got two'; email=$1 ;;
  esac
  shift
done
matches() {
  # grep matches each line separately.
  case $1 in *'
'*) return 1 ;; esac
  printf '%s' "$1" | grep -Eq "$2"
}
[ -n "$email" ] || fail 'missing email address'
matches "$email" '^[^[:space:]@]{1,64}@[^[:space:]@.]+(\.[^[:space:]@.]+)+$' || fail "'$email' is not an email address"
matches "$environment" '^[a-z][a-z0-9]{0,11}$' || fail "environment must be 1 to 12 lower-case letters and digits and start with a letter, got '$environment'"

cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
# The SDK reads only this variable, and treats an empty value as a region.
AWS_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
if [ -n "$AWS_REGION" ]; then export AWS_REGION; else unset AWS_REGION; fi
missing=no
check() { # name, what to do if it is missing, command ...
  name=$1 advice=$2
  shift 2
  if found=$("$@" 2>/dev/null) && [ -n "$found" ]; then printf '  \342\234\223 %s: %s\n' "$name" "$found"
  else printf '  \342\234\227 %s: %s\n' "$name" "$advice"; missing=yes; fi
}
node_version() { node -e 'const [major] = process.versions.node.split("."); if (major >= 24) console.log(process.version)'; }
region() {
  node --input-type=module -e '
    import { STSClient } from "@aws-sdk/client-sts";
    console.log(await new STSClient().config.region());'
}
account() {
  node --input-type=module -e '
    import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
    const sts = new STSClient({ region: process.env.AWS_REGION || "us-east-1" });
    console.log((await sts.send(new GetCallerIdentityCommand())).Account);'
}

echo 'Prerequisites:'
check 'Node' 'version 24 or later is required; npm ci installs it on Linux, install it on other systems' node_version
check 'packages' 'run npm ci first' cdk --version
check 'region' 'set AWS_REGION, or a region in the profile' region
check 'account' 'no valid AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' account
[ $missing = no ] || exit 1
AWS_REGION=$(region)
export AWS_REGION

stack=controlplane-stack
[ "$environment" = main ] || stack=controlplane-stack-$environment
assembly=${TIERPLANE_CDK_OUTPUT:-dist/cdk}/$environment
export JSII_DEPRECATED=quiet
cdk synth "$stack" --quiet --output "$assembly" --context "environment=$environment" --context "mfa=$mfa"
if [ $dry_run = yes ]; then
  echo "Dry run: the template of $stack is in $assembly. Nothing was changed."
  exit 0
fi
cdk bootstrap "aws://$(account)/$AWS_REGION" --app "$assembly"
cdk deploy "$stack" --app "$assembly" --require-approval never --parameters "SystemAdminEmail=$email" \
  --outputs-file "$assembly-outputs.json"
cat <<TEXT
Installed. The first installation sends an invitation to $email. Sign in at the address in the output signIn.
All outputs are in $assembly-outputs.json.
TEXT
