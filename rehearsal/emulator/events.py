"""Features that the emulator's EventBridge lacks. Each function adds one and links the AWS page that defines it."""

import json
import os
import re
import urllib.parse

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc, sqs
from ministack.services.cloudformation import provisioners


def add_stack_resource_types():
    """`AWS::Events::Connection` and `AWS::Events::ApiDestination` in stacks, through the service's own functions.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-connection.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-apidestination.html
    """
    _add_type("AWS::Events::Connection", "Connection", "connection")
    _add_type("AWS::Events::ApiDestination", "ApiDestination", "api_destination")


def _add_type(resource_type, kind, functions):
    def call(verb, data):
        status, _, body = getattr(eventbridge, f"_{verb}_{functions}")(data)
        if status >= 400:
            raise ValueError(f"{resource_type} {verb} failed: {body!r}")
        return json.loads(body)

    def attributes(response):
        return {"Arn": response[f"{kind}Arn"]}

    def create(logical_id, props, stack_name):
        name = props.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
        return name, attributes(call("create", {**props, "Name": name}))

    def update(physical_id, _old_props, new_props, _stack_name, _logical_id=None):
        return physical_id, attributes(call("update", {**new_props, "Name": physical_id}))

    def delete(physical_id, _props):
        getattr(eventbridge, f"_delete_{functions}")({"Name": physical_id})

    provisioners._RESOURCE_HANDLERS[resource_type] = {"create": create, "update": update, "delete": delete}


_PUBLIC_HOSTS = (
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
    (re.compile(r"^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$"), r"\1.execute-api.localhost"),
    # https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
    (re.compile(r"^([a-z0-9-]+\.auth\.[a-z0-9-]+\.amazoncognito\.com)$"), r"\1"),
)


def keep_calls_local():
    """Routes requests of API destinations to public API and user pool names back to this process, which serves them."""
    original = eventbridge._http_open

    def open_locally(request, timeout=5):
        url = urllib.parse.urlsplit(request.full_url)
        for pattern, host in _PUBLIC_HOSTS:
            if pattern.match(url.hostname or ""):
                port = os.environ["GATEWAY_PORT"]
                request.full_url = urllib.parse.urlunsplit(url._replace(scheme="http", netloc=f"127.0.0.1:{port}"))
                request.add_unredirected_header("Host", f"{pattern.sub(host, url.hostname)}:{port}")
        return original(request, timeout)

    eventbridge._http_open = open_locally


def enforce_target_permissions():
    """Delivers an event to a queue or function only if its resource policy allows the rule, and to an API destination only
    if the target's role allows it. Otherwise the event is not delivered to that target.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-iam-roles.html
    """
    original = eventbridge._invoke_target

    def invoke_if_allowed(target, event, rule, view=None):
        if not _is_allowed(target, rule.get("Arn", "")):
            eventbridge.logger.warning("EventBridge: %s is not allowed to invoke %s", rule.get("Arn"), target.get("Arn"))
            return
        original(target, event, rule, view)

    eventbridge._invoke_target = invoke_if_allowed


def _is_allowed(target, rule_arn):
    arn = target.get("Arn", "")
    if arn.startswith("arn:aws:sqs:"):
        return sqs.queue_policy_allows(arn, "events.amazonaws.com", rule_arn, get_account_id())
    if arn.startswith("arn:aws:lambda:"):
        policy = (lambda_svc.function_policy_for_arn(arn) or ("",))[0]
        context = _context("lambda:InvokeFunction", arn, {"aws:sourcearn": rule_arn})
        return iam_evaluator.evaluate_resource_policy(policy, context, "events.amazonaws.com").decision == "Allow"
    if ":api-destination/" in arn:
        role = target.get("RoleArn", "").rsplit("/", 1)[-1]
        policies = iam_evaluator._gather_role_policies(role, get_account_id())
        context = _context("events:InvokeApiDestination", arn, {})
        return iam_evaluator.evaluate(context, policies).decision == "Allow"
    return True


def _context(action, resource_arn, keys):
    return iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        service_context={**keys, "aws:sourceaccount": get_account_id()},
    )
