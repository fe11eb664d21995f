#!/bin/sh
# Installs the control plane into the AWS account of the credentials at hand. May be run again: it changes what changed.
set -eu

usage() {
  cat <<'TEXT'
Usage: scripts/sbt-install.sh <admin_email> [options]

Installs Tierplane's control plane into an AWS account and invites <admin_email> as its first admin.

Options:
  --environment NAME   a second environment beside the first, 1 to 12 lower-case letters and digits [main]
  --require-mfa        every admin must have a second factor
  --dry-run            check the prerequisites and make the template, change nothing
  --help               this text

Needs Node 24 (npm brings it on Linux), `npm ci` done, AWS credentials (AWS_PROFILE, or keys in the environment) of
somebody who may deploy with the AWS CDK, and a region (AWS_REGION, or the profile's). Docker, Python and the AWS CLI are not needed.
The template goes to dist/cdk, or to the folder in TIERPLANE_CDK_OUTPUT.
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
    *) [ -z "$email" ] || fail 'one email address is needed, got two'; email=$1 ;;
  esac
  shift
done
matches() {
  # grep looks at each line for itself.
  case $1 in *'
'*) return 1 ;; esac
  printf '%s' "$1" | grep -Eq "$2"
}
[ -n "$email" ] || fail 'an email address is needed'
matches "$email" '^[^[:space:]@]{1,64}@[^[:space:]@.]+(\.[^[:space:]@.]+)+$' || fail "'$email' is no email address"
matches "$environment" '^[a-z][a-z0-9]{0,11}$' || fail "'$environment' cannot be an environment's name"

cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
# The SDK knows this name only, and takes an empty one for a region.
AWS_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
if [ -n "$AWS_REGION" ]; then export AWS_REGION; else unset AWS_REGION; fi
missing=no
check() { # name, how to get it, command ...
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
check 'Node' 'version 24 or newer is needed; npm ci brings it on Linux, elsewhere install it' node_version
check 'packages' 'run npm ci first' cdk --version
check 'region' 'set AWS_REGION, or one in the profile' region
check 'account' 'no AWS credentials that work: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' account
[ $missing = no ] || exit 1
AWS_REGION=$(region)
export AWS_REGION

stack=controlplane-stack
[ "$environment" = main ] || stack=controlplane-stack-$environment
assembly=${TIERPLANE_CDK_OUTPUT:-dist/cdk}/$environment
export JSII_DEPRECATED=quiet
cdk synth "$stack" --quiet --output "$assembly" --context "environment=$environment" --context "mfa=$mfa"
if [ $dry_run = yes ]; then
  echo "Dry run: $stack is ready in $assembly; nothing was changed."
  exit 0
fi
cdk bootstrap "aws://$(account)/$AWS_REGION" --app "$assembly"
cdk deploy "$stack" --app "$assembly" --require-approval never --parameters "SystemAdminEmail=$email" \
  --outputs-file "$assembly-outputs.json"
cat <<TEXT
Installed. $email has been sent an invitation (at the first installation): sign in at the address called signIn.
All addresses are in $assembly-outputs.json.
TEXT
