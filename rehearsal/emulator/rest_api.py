"""Features that the emulator's REST APIs lack. Each function adds one and links the AWS page that defines it."""

import http.client
import json
import os
import re
import urllib.parse
from contextvars import ContextVar

from created_resources import after_creation
from ministack.core.concurrency import run_reentrant
from ministack.services import alb
from ministack.services import apigateway_v1 as gateway

_INTEGRATION_TIMEOUT_MS = 29_000
_AUTHORIZER_VARIABLE = re.compile(r"\$context\.authorizer\.(\w+)")
# The authorizer's context of the request that is being served.
_authorizer_context = ContextVar("authorizer_context", default={})
# The same for gateway responses, also of a request that the authorizer's policy denies.
_evaluated_context = ContextVar("evaluated_context", default={})
# Where a cached authorizer result keeps the API key. No context of a function has this name.
_KEY = "\0usageIdentifierKey"
# Where a cached policy document keeps the authorizer's context. No policy has an element of this name.
_CONTEXT = "\0context"


def take_key_source_from_templates():
    """`ApiKeySourceType` of a new REST API, which the emulator takes over at updates only.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-restapi.html
    """

    def take_over(api_id, props):
        gateway._rest_apis[api_id]["apiKeySource"] = props.get("ApiKeySourceType", "HEADER")

    after_creation("AWS::ApiGateway::RestApi", take_over)


def meter_by_authorizer_key():
    """Where an API's key source is AUTHORIZER, usage plans count by the authorizer's `usageIdentifierKey`, and the client's
    own `x-api-key` has no effect.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
    """
    invoke, authorize = gateway._invoke_authorizer_lambda, gateway._authorize_request_v1

    async def invoke_and_keep_key(*args):
        result = await invoke(*args)
        response = _parsed(result)
        if response and response.get("usageIdentifierKey"):
            context = {**(response.get("context") or {}), _KEY: response["usageIdentifierKey"]}
            result["body"] = {**response, "context": context}
        return result

    async def authorize_and_set_key(api_id, stage, method_obj, method, path, resource, headers, *rest):
        error, context = await authorize(api_id, stage, method_obj, method, path, resource, headers, *rest)
        # The result may be the cached one.
        context = dict(context or {})
        key = context.pop(_KEY, None)
        if (gateway._rest_apis.get(api_id) or {}).get("apiKeySource") == "AUTHORIZER":
            _remove(headers, "x-api-key")
            if key:
                headers["x-api-key"] = key
        _authorizer_context.set(context)
        return error, context

    gateway._invoke_authorizer_lambda = invoke_and_keep_key
    gateway._authorize_request_v1 = authorize_and_set_key


def show_context_in_gateway_responses():
    """`$context.authorizer.<name>` in the templates of gateway responses: what the authorizer said about a caller whom its
    policy denies, also while its result is cached.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
    """
    invoke, evaluate = gateway._invoke_authorizer_lambda, gateway._evaluate_policy
    respond = gateway._gateway_error_response

    async def invoke_and_keep_context(*args):
        result = await invoke(*args)
        response = _parsed(result)
        if response and isinstance(response.get("policyDocument"), dict):
            policy = {**response["policyDocument"], _CONTEXT: response.get("context") or {}}
            result["body"] = {**response, "policyDocument": policy}
        return result

    def evaluate_and_set_context(policy, method_arn):
        _evaluated_context.set(policy.get(_CONTEXT, {}))
        return evaluate({name: value for name, value in policy.items() if name != _CONTEXT}, method_arn)

    def respond_with_context(error, request):
        status, headers, body = respond(error, request)
        context = _evaluated_context.get()
        filled = _AUTHORIZER_VARIABLE.sub(lambda match: str(context.get(match[1], "")), body.decode())
        return status, headers, filled.encode()

    gateway._invoke_authorizer_lambda = invoke_and_keep_context
    gateway._evaluate_policy = evaluate_and_set_context
    gateway._gateway_error_response = respond_with_context


def _parsed(result):
    """The authorizer's response, or None if the function failed or returned something else."""
    body = result.get("body") if isinstance(result, dict) and not result.get("error") else None
    if isinstance(body, (str, bytes)):
        try:
            body = json.loads(body)
        except ValueError:
            return None
    return body if isinstance(body, dict) else None


def _remove(headers, name):
    for header in [one for one in headers if one.lower() == name]:
        del headers[header]


def proxy_whole_responses():
    """HTTP proxy integrations pass on method, path, query, headers and body, with the mapped parameters, and return status,
    headers and body of the response as they are. Redirects are not followed. An API key is not passed on. A host that is a
    load balancer of the account is reached in this process; an internal one only through a VPC link. A service that is silent
    for longer than `TimeoutInMillis` gives 504.

    The emulator returns `Content-Type` only, and reads error responses on the event loop that has to produce them.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-private-integration.html
    """

    async def invoke(integration, _path, method, headers, body, query, path_params=None):
        source = {"path": path_params or {}, "querystring": query or {}, "header": headers}
        parameters = integration.get("requestParameters") or {}
        mapped = {target: _value(origin, source) for target, origin in parameters.items()}
        url = urllib.parse.urlsplit(_with_path_parameters(integration.get("uri", ""), mapped))
        target = (url.path or "/") + _query(url.query, query or {}, mapped)
        address = _address(url, integration)
        if address is None:
            return gateway._gw_error("INTEGRATION_FAILURE", "Internal server error")
        request = (method, target, body or None, {**_headers(headers, mapped), "Host": url.netloc})
        timeout_s = int(integration.get("timeoutInMillis") or _INTEGRATION_TIMEOUT_MS) / 1000
        try:
            return await run_reentrant(_send, address, request, timeout_s)
        except TimeoutError:
            return gateway._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        except (OSError, http.client.HTTPException):
            return gateway._gw_error("INTEGRATION_FAILURE", "Internal server error")

    gateway._invoke_http_proxy_v1 = invoke


def serve_public_names(app):
    """A REST API is reached by its name of AWS, as functions of the account call it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
    """
    host = re.escape(app._MINISTACK_HOST)
    app._EXECUTE_API_RE = re.compile(rf"^([a-f0-9]{{8}})\.execute-api\.(?:{host}|[a-z0-9-]+\.amazonaws\.com)(?::\d+)?$")


def _value(origin, source):
    """The value of a mapping's origin: a literal, a parameter of the request or of the authorizer's context, or None."""
    if origin.startswith("'"):
        return origin[1:-1]
    if origin.startswith("context.authorizer."):
        return _authorizer_context.get().get(origin.removeprefix("context.authorizer."))
    if not origin.startswith("method.request."):
        return None
    kind, name = origin.removeprefix("method.request.").split(".", 1)
    values = source[kind]
    if kind == "header":
        values, name = {key.lower(): value for key, value in values.items()}, name.lower()
    value = values.get(name)
    return value[-1] if isinstance(value, list) and value else value


def _with_path_parameters(uri, mapped):
    for target, value in mapped.items():
        if target.startswith("integration.request.path."):
            placeholder = "{" + target.removeprefix("integration.request.path.") + "}"
            uri = uri.replace(placeholder, urllib.parse.quote(value or "", safe="/:@!$&'()*+,;=~"))
    return uri


def _query(own, query, mapped):
    replaced = {
        target.removeprefix("integration.request.querystring."): value
        for target, value in mapped.items()
        if target.startswith("integration.request.querystring.")
    }
    pairs = urllib.parse.parse_qsl(own, keep_blank_values=True)
    for name, value in query.items():
        if name not in replaced:
            pairs.extend((name, one) for one in (value if isinstance(value, list) else [value]))
    pairs.extend((name, value) for name, value in replaced.items() if value is not None)
    return f"?{urllib.parse.urlencode(pairs)}" if pairs else ""


_NOT_PASSED_ON = (
    *("host", "content-length", "connection", "transfer-encoding", "keep-alive", "upgrade", "te", "expect"),
    "x-api-key",
)


def _headers(headers, mapped):
    """The client's headers, of which a mapped one is replaced, or removed if its origin has no value."""
    replaced = {
        target.removeprefix("integration.request.header.").lower(): value
        for target, value in mapped.items()
        if target.startswith("integration.request.header.")
    }
    kept = {name: value for name, value in headers.items() if name.lower() not in (*_NOT_PASSED_ON, *replaced)}
    joined = {name: ", ".join(value) if isinstance(value, list) else value for name, value in kept.items()}
    return {**joined, **{name: value for name, value in replaced.items() if value is not None}}


def _address(url, integration):
    """Host and port to connect to, or None if the host cannot be reached."""
    balancer = next((one for one in alb._lbs.values() if one.get("DNSName", "").lower() == url.hostname), None)
    if balancer is None:
        return None if url.hostname is None else (url.hostname, url.port or 80)
    if balancer.get("Scheme") == "internal" and integration.get("connectionType") != "VPC_LINK":
        return None
    return "127.0.0.1", int(os.environ["GATEWAY_PORT"])


# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_REMAPPED = {
    "www-authenticate": "x-amzn-Remapped-WWW-Authenticate",
    "server": "x-amzn-Remapped-Server",
    "date": "x-amzn-Remapped-Date",
}
_NOT_RETURNED = ("content-length", "connection", "transfer-encoding", "keep-alive")


def _send(address, request, timeout_s):
    connection = http.client.HTTPConnection(*address, timeout=timeout_s)
    try:
        connection.request(*request)
        response = connection.getresponse()
        headers = {}
        for name, value in response.getheaders():
            if name.lower() not in _NOT_RETURNED:
                headers.setdefault(_REMAPPED.get(name.lower(), name), []).append(value)
        returned = {name: values if len(values) > 1 else values[0] for name, values in headers.items()}
        return response.status, returned, response.read()
    finally:
        connection.close()
