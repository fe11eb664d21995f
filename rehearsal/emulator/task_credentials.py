"""Credentials of task roles, as ECS issues them. Each function adds a part and links the AWS page that defines it."""

import fcntl
import json
import os
import subprocess
import time

from hypercorn.config import Config
from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.responses import get_region
from ministack.services import ecs, iam, imds, sts

# SDKs accept credentials over http only from this address and the loopback.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
ADDRESS = "169.254.170.2"
_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_SERVICE = "ecs-tasks.amazonaws.com"
_VALID_FOR_S = 3600


def assign_address():
    """Assigns 169.254.170.2 to the loopback. A shared lock, held until this process ends, tells other accounts that the
    address is in use; the last account removes it."""
    lock = os.open(os.environ["TIERPLANE_TASK_ADDRESS_LOCK"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True)


def listen_for_tasks():
    """Listens on 169.254.170.2 as well as on 127.0.0.1, and on no address that other machines reach.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    get, put = Config.bind.fget, Config.bind.fset

    def bind(config, value):
        put(config, value)
        put(config, [*get(config), f"{ADDRESS}:{os.environ['GATEWAY_PORT']}"])

    Config.bind = property(get, bind)


def issue_sessions_of_task_roles():
    """`/v2/credentials/<id>` issues a session of the task definition's role, if the role trusts ECS tasks. A task without
    a role gets no credentials.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    roles = {}
    _give_address_to_tasks(roles)
    original = imds.handle_request

    async def handle(method, path, headers, body, query_params):
        if not path.startswith("/v2/credentials/"):
            return await original(method, path, headers, body, query_params)
        role, task = roles.get(path.rsplit("/", 1)[-1], (None, None))
        if not role:
            return imds._json_resp({"code": "InvalidIdInRequest", "message": "no task has this id"}, 400)
        if not _trusts_tasks(role):
            return imds._json_resp({"code": "AccessDenied", "message": f"{role} does not trust ECS tasks"}, 400)
        return imds._json_resp(_session(role, task))

    imds.handle_request = handle


def _give_address_to_tasks(roles):
    """Names 169.254.170.2 in the environment of tasks, and remembers the role of each credentials id."""
    original = ecs._register_metadata

    def register(task_arn, cluster_arn, task_definition, definition, launch_type, env, *rest):
        token = original(task_arn, cluster_arn, task_definition, definition, launch_type, env, *rest)
        for name, value in env.items():
            env[name] = value.replace("host.docker.internal", ADDRESS)
        role = task_definition.get("taskRoleArn")
        if role:
            roles[env[_VARIABLE].rsplit("/", 1)[-1]] = (role, task_arn.rsplit("/", 1)[-1])
        else:
            env.pop(_VARIABLE)
            env.pop("AWS_CONTAINER_AUTHORIZATION_TOKEN", None)
        return token

    ecs._register_metadata = register


def _trusts_tasks(role_arn):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#create_task_iam_policy_and_role"""
    account = parse_arn(role_arn).account_id
    role = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    if role is None:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=_SERVICE,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={
            "aws:sourceaccount": account,
            "aws:sourcearn": f"arn:aws:ecs:{get_region()}:{account}:*",
        },
    )
    return iam_evaluator.evaluate_trust_policy(_statements_for_tasks(role), _SERVICE, context)


def _statements_for_tasks(role):
    """The role's trust policy, with `*` for the service principal of ECS tasks, which the emulator's evaluation ignores."""
    policy = role["AssumeRolePolicyDocument"]
    policy = json.loads(policy) if isinstance(policy, str) else policy
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]

    def names_tasks(statement):
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        return _SERVICE in ([services] if isinstance(services, str) else services)

    return {**policy, "Statement": [{**one, "Principal": "*"} if names_tasks(one) else one for one in statements]}


def _session(role_arn, session_name):
    document = {**imds._ecs_task_credentials_doc(), "RoleArn": role_arn, "Expiration": imds._future(_VALID_FOR_S)}
    session = {
        "Arn": sts._assumed_role_arn(role_arn, session_name)[0],
        "UserId": f"{sts._role_id(role_arn)}:{session_name}",
        "SecretAccessKey": document["SecretAccessKey"],
        "SessionToken": document["Token"],
        "Expiration": time.time() + _VALID_FOR_S,
        "AccountId": parse_arn(role_arn).account_id,
        "PrincipalType": "AssumedRole",
    }
    sts.register_session(document["AccessKeyId"], session)
    return document
