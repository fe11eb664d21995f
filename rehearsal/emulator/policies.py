"""Features that the emulator's IAM evaluation lacks. Each function adds one and links the AWS page that defines it."""

import json
import re
import urllib.parse

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region


def add_leading_keys():
    """Adds `dynamodb:LeadingKeys`, the partition keys in a request.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    original = iam_actions.dynamodb_service_context

    def with_leading_keys(body):
        context = original(body)
        keys = _leading_keys(_parse(body))
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    iam_actions.dynamodb_service_context = with_leading_keys


def _parse(body):
    try:
        data = json.loads(body or b"{}")
    except (ValueError, TypeError):
        return {}
    return data if isinstance(data, dict) else {}


def add_keys_of_transaction_items():
    """Authorizes each item of a transaction with its own `dynamodb:LeadingKeys`: the item needs the permission of the
    single operation that it stands for.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    original_checks = iam_actions.dynamodb_transaction_checks
    original_enforce = iam_evaluator.enforce

    def checks_with_keys(iam_action, body, region, account_id):
        checks = original_checks(iam_action, body, region, account_id)
        operations = [
            (table, attributes) for table, attributes in _items_of(_parse(body)) if isinstance(table, str) and table
        ]
        if len(checks) != len(operations):
            # An item with several operations, which AWS rejects. Every check then sees the keys of all items.
            return checks
        return [
            (action, _ArnWithKey(arn, _key_of(*operation))) for (action, arn), operation in zip(checks, operations)
        ]

    def enforce(*args, resource_arn=None, service_context=None, **rest):
        if isinstance(resource_arn, _ArnWithKey):
            service_context = {k: v for k, v in (service_context or {}).items() if k != "dynamodb:LeadingKeys"}
            if resource_arn.key is not None:
                service_context["dynamodb:LeadingKeys"] = [resource_arn.key]
        return original_enforce(*args, resource_arn=resource_arn, service_context=service_context, **rest)

    iam_actions.dynamodb_transaction_checks = checks_with_keys
    iam_evaluator.enforce = enforce


class _ArnWithKey(str):
    """The ARN of a table, and the partition key of one item in it."""

    def __new__(cls, arn, key):
        self = super().__new__(cls, arn)
        self.key = key
        return self


def _key_of(table, attributes):
    value = attributes.get(_partition_key(table, None))
    return str(next(iter(value.values()))) if isinstance(value, dict) and value else None


def _leading_keys(request):
    keys = set()
    for single in _items_of(request):
        table, attributes = single
        value = attributes.get(_partition_key(table, None))
        if isinstance(value, dict):
            keys.update(str(v) for v in value.values())
    condition = _condition_key(request)
    if condition is not None:
        keys.add(condition)
    return sorted(keys)


def _items_of(request):
    """Yields (table, attributes) of every item in a single, batch or transaction request."""
    for member in ("Key", "Item"):
        if isinstance(request.get(member), dict):
            yield request.get("TableName"), request[member]
    for item in request.get("TransactItems") or []:
        for operation in item.values():
            yield operation.get("TableName"), operation.get("Item") or operation.get("Key") or {}
    for table, batch in (request.get("RequestItems") or {}).items():
        for key in batch.get("Keys", []) if isinstance(batch, dict) else []:
            yield table, key
        for write in batch if isinstance(batch, list) else []:
            for operation in write.values():
                yield table, operation.get("Item") or operation.get("Key") or {}


def _condition_key(request):
    """The partition key in a query's key condition, of the index if the query names one."""
    expression = request.get("KeyConditionExpression")
    if not isinstance(expression, str):
        return None
    hash_key = _partition_key(request.get("TableName"), request.get("IndexName"))
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    for name, value in re.findall(r"([#\w.-]+)\s*=\s*(:\w+)", expression):
        if names.get(name, name) == hash_key and isinstance(values.get(value), dict):
            return str(next(iter(values[value].values())))
    return None


def _partition_key(table_name, index_name):
    from ministack.services import dynamodb

    table = dynamodb._tables.get((table_name or "").rsplit("/", 1)[-1])
    if table is None:
        return None
    indexes = (table.get("GlobalSecondaryIndexes") or []) + (table.get("LocalSecondaryIndexes") or [])
    schema = table if index_name is None else next((i for i in indexes if i["IndexName"] == index_name), {})
    return next((k["AttributeName"] for k in schema.get("KeySchema", []) if k["KeyType"] == "HASH"), None)


def add_event_keys():
    """Adds `events:source` and `events:detail-type` of every entry of a PutEvents request.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    """

    def keys_of(body):
        entries = [entry for entry in _parse(body).get("Entries") or [] if isinstance(entry, dict)]
        sources = sorted({str(entry["Source"]) for entry in entries if "Source" in entry})
        types = sorted({str(entry["DetailType"]) for entry in entries if "DetailType" in entry})
        return {"events:source": sources, "events:detail-type": types}

    _add_context_of(["events:PutEvents"], keys_of)


def _add_context_of(actions, context_of):
    """Adds `context_of(body)` to the context of requests for the actions."""
    original = iam_actions.request_tag_context

    def with_more(service, iam_action, body, params):
        context = original(service, iam_action, body, params)
        return {**context, **context_of(body)} if iam_action in actions else context

    iam_actions.request_tag_context = with_more


def name_services_and_tasks():
    """Authorizes calls of ECS that name services or tasks by the first ARN; the emulator takes the cluster's.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    """
    original = iam_actions.extract_resource_arn

    def extract(service, method, path, headers, body, *others, **more):
        for member in ("services", "tasks", "service") if service == "ecs" else ():
            named = _parse(body).get(member)
            first = named[0] if isinstance(named, list) and named else named
            if isinstance(first, str) and first.startswith("arn:"):
                return first
        return original(service, method, path, headers, body, *others, **more)

    iam_actions.extract_resource_arn = extract


def name_senders():
    """Authorizes SendEmail of SES by the identity of the sender; the emulator requires all resources.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    original = iam_actions._ses_v2_resource_arn

    def arn(method, path, body, region, account_id):
        sender = _parse(body).get("FromEmailAddress")
        return f"arn:aws:ses:{region}:{account_id}:identity/{sender}" if sender else original(method, path, body, region, account_id)

    iam_actions._ses_v2_resource_arn = arn


def add_cluster_of_listed_tasks():
    """Adds `ecs:cluster`, the cluster of a ListTasks request.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    """
    original = iam_actions.request_tag_context

    def with_cluster(service, iam_action, body, params):
        context = original(service, iam_action, body, params)
        cluster = _parse(body).get("cluster") if iam_action == "ecs:ListTasks" else None
        if not isinstance(cluster, str):
            return context
        prefix = f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/"
        return {**context, "ecs:cluster": cluster if cluster.startswith("arn:") else prefix + cluster}

    iam_actions.request_tag_context = with_cluster


def add_role_of_stacks():
    """Adds `cloudformation:RoleArn`, the service role that a stack is created or updated with.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
    """

    def role_of(body):
        role = urllib.parse.parse_qs((body or b"").decode()).get("RoleARN")
        return {"cloudformation:RoleArn": role[0]} if role else {}

    _add_context_of(["cloudformation:CreateStack", "cloudformation:UpdateStack"], role_of)


def add_request_tags_of_user_pools():
    """Adds `aws:RequestTag` when a user pool is created, which the emulator has for other services.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncognitouserpools.html
    """

    def tags_of(body):
        tags = _parse(body).get("UserPoolTags") or {}
        return {f"aws:requesttag/{key}".lower(): value for key, value in tags.items()}

    _add_context_of(["cognito-idp:CreateUserPool"], tags_of)


def add_policy_variables():
    """Resolves variables such as `${aws:PrincipalTag/tenantId}` in resources and in the values of conditions.

    A statement whose variable has no value and no default does not apply.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    original = iam_evaluator._first_match

    def first_match(context, statements, effect):
        resolved = (_resolve_statement(statement, context) for statement in statements)
        return original(context, [statement for statement in resolved if statement is not None], effect)

    iam_evaluator._first_match = first_match


class _NoValue(Exception):
    pass


_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")


def _resolve_statement(statement, context):
    if "${" not in json.dumps([statement.resources, statement.not_resources, statement.conditions]):
        return statement

    def value_of(match):
        name, default = match.group(1).strip(), match.group(2)
        if name in ("*", "?", "$"):
            return name
        value = iam_evaluator._resolve_condition_key(name, context)
        if not isinstance(value, str):
            value = default
        if value is None:
            raise _NoValue
        return value

    def resolve(value):
        if isinstance(value, str):
            return _VARIABLE.sub(value_of, value)
        if isinstance(value, list):
            return [resolve(one) for one in value]
        if isinstance(value, dict):
            return {key: resolve(one) for key, one in value.items()}
        return value

    try:
        return iam_evaluator.ParsedStatement(
            sid=statement.sid,
            effect=statement.effect,
            actions=statement.actions,
            not_actions=statement.not_actions,
            resources=resolve(statement.resources),
            not_resources=resolve(statement.not_resources),
            conditions=resolve(statement.conditions),
        )
    except _NoValue:
        return None


def add_secure_transport():
    """Sets `aws:SecureTransport` to true. The emulator serves plain http on the loopback; on AWS the requests use TLS.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport
    """
    original = iam_evaluator._resolve_condition_key

    def resolve(key, context):
        return "true" if key.lower() == "aws:securetransport" else original(key, context)

    iam_evaluator._resolve_condition_key = resolve


def add_tags_of_user_pools():
    """Adds `aws:ResourceTag` of user pools, which the emulator has for other resources.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncognitouserpools.html
    """
    from ministack.services import tagging

    tagging._RESOURCE_TAG_COLLECTORS.setdefault("cognito-idp", tagging._collect_cognito)
