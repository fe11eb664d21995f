"""Health of load balancer targets, which the emulator reports as healthy without a request.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

import http.client
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from ministack.core.responses import request_scope
from ministack.services import alb

_CHECK_EVERY_S = 0.2
_CHECK_HEALTHY_EVERY_S = 2.0
# (target group's ARN, address, port) -> when the target was registered, last checked, and how it was found then
_checked = {}


def is_healthy(group_arn, address):
    return any(state["healthy"] for (group, ip, _), state in list(_checked.items()) if (group, ip) == (group_arn, address))


def unhealthy_for_s(group_arn, address):
    """Seconds since the target was registered or last healthy. 0 for a target that is healthy or not checked yet."""
    for (group, ip, _), state in list(_checked.items()):
        if (group, ip) == (group_arn, address) and not state["healthy"]:
            return time.monotonic() - state["since"]
    return 0.0


def check_targets(after_each_round):
    """Sends each registered target of type `ip` the health check of its group. New and unhealthy targets are checked every
    0.2 s, healthy ones every 2 s, instead of at the group's interval. Then calls `after_each_round`.
    """
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="target-health")

    def run():
        while True:
            time.sleep(_CHECK_EVERY_S)
            try:
                _check_once(pool)
                after_each_round()
            except Exception:
                alb.logger.exception("the targets could not be checked")

    threading.Thread(target=run, daemon=True, name="target-health").start()
    _route_to_healthy_targets()
    _describe_health()


def _check_once(pool):
    registered = {}
    for (account, group_arn), targets in list(alb._targets._data.items()):
        with request_scope(account, group_arn.split(":")[3]):
            group = alb._tgs.get(group_arn) or {}
        if group.get("TargetType") == "ip":
            for target in list(targets):
                registered[(group_arn, target["Id"], int(target.get("Port") or group.get("Port", 80)))] = group
    for key in set(_checked) - set(registered):
        _checked.pop(key, None)
    list(pool.map(lambda one: _check(*one), registered.items()))


def _check(key, group):
    now = time.monotonic()
    state = _checked.setdefault(key, {"healthy": False, "since": now, "checked": 0.0})
    if state["healthy"] and now - state["checked"] < _CHECK_HEALTHY_EVERY_S:
        return
    _, address, port = key
    healthy = _responds(address, port, group)
    since = now if healthy or state["healthy"] else state["since"]
    state.update(healthy=healthy, checked=now, since=since)


def _responds(address, port, group):
    expected = (group.get("Matcher") or {}).get("HttpCode") or "200"
    given = group.get("HealthCheckPort") or "traffic-port"
    connection = http.client.HTTPConnection(address, port if given == "traffic-port" else int(given), timeout=2)
    try:
        connection.request("GET", group.get("HealthCheckPath") or "/", headers={"User-Agent": "ELB-HealthChecker/2.0"})
        return _matches(connection.getresponse().status, expected)
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()


def _matches(status, expected):
    """Whether a matcher such as `200,202` or `200-299` has the status."""
    ranges = [part.split("-") for part in expected.split(",")]
    return any(int(one[0]) <= status <= int(one[-1]) for one in ranges)


def _route_to_healthy_targets():
    """Requests reach healthy targets only, or all if none is healthy.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
    """
    original = alb._forward_to_tg

    async def forward(group_arn, method, path, headers, body, query, raw_query=None, raw_path=None):
        group = alb._tgs.get(group_arn) or {}
        healthy = [one for one in alb._targets.get(group_arn, []) if is_healthy(group_arn, one["Id"])]
        if group.get("TargetType") != "ip" or not healthy:
            return await original(group_arn, method, path, headers, body, query, raw_query, raw_path)
        target = random.choice(healthy)
        return await alb._proxy_http_target(target, group, method, raw_path or path, headers, body, query, raw_query)

    alb._forward_to_tg = forward


def _describe_health():
    """DescribeTargetHealth tells healthy targets from those that are new or failed their last check.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
    """
    original = alb._ACTION_MAP["DescribeTargetHealth"]

    def describe(params):
        group_arn = alb._p(params, "TargetGroupArn")
        if (alb._tgs.get(group_arn) or {}).get("TargetType") != "ip":
            return original(params)
        named = {target["Id"] for target in alb._parse_targets_param(params)}
        targets = [one for one in alb._targets.get(group_arn, []) if not named or one["Id"] in named]
        members = "".join(_member(group_arn, target) for target in targets)
        return alb._xml(200, "DescribeTargetHealth", f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>")

    alb._ACTION_MAP["DescribeTargetHealth"] = describe


def _member(group_arn, target):
    state = "healthy" if is_healthy(group_arn, target["Id"]) else "unhealthy"
    address = f"<Target><Id>{target['Id']}</Id><Port>{target.get('Port') or alb._tgs[group_arn]['Port']}</Port></Target>"
    return f"<member>{address}<TargetHealth><State>{state}</State></TargetHealth></member>"
