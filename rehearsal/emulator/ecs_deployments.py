"""Deployments of ECS services. Each function adds a feature that the emulator lacks and links the AWS page that defines it."""

from ministack.core.concurrency import spawn_background
from ministack.core.responses import request_scope
from ministack.services import alb, ecs

import target_health
from containers import service_key_of


def start_first_deployment_in_progress():
    """The first deployment of a service is in progress until its tasks are steady, so that its circuit breaker counts
    failed tasks. The emulator reports it as completed at once.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
    """
    original = ecs._make_deployment

    def make(task_definition, desired_count, status="PRIMARY"):
        deployment = original(task_definition, desired_count, status)
        if status == "PRIMARY" and desired_count > 0:
            deployment.update(rolloutState="IN_PROGRESS", rolloutStateReason="ECS deployment in progress.")
        return deployment

    ecs._make_deployment = make


def complete_with_healthy_targets():
    """A task behind a load balancer counts as healthy, and its deployment as complete, only when its targets are healthy.
    A task whose targets stay unhealthy is stopped, which counts as a failed task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html
    """
    complete, record_healthy = ecs._complete_service_deployment, ecs._record_service_task_healthy

    def complete_if_healthy(cluster, service_key, expected_deployment_id=None):
        service = ecs._services.get(service_key)
        if service and _healthy_tasks(service) >= service.get("desiredCount", 0):
            complete(cluster, service_key, expected_deployment_id)

    def record_if_healthy(service_key, task):
        service = ecs._services.get(service_key)
        if service and _has_healthy_targets(service, task):
            record_healthy(service_key, task)
        else:
            task["_awaits_health"] = True

    ecs._complete_service_deployment = complete_if_healthy
    ecs._record_service_task_healthy = record_if_healthy
    target_health.check_targets(after_each_round=_act_on_health)


def _act_on_health():
    """Completes deployments whose targets have become healthy, and stops tasks whose targets stay unhealthy."""
    for (account, region, service_key), service in list(ecs._services._data.items()):
        if not service.get("loadBalancers") or service.get("status") != "ACTIVE":
            continue
        with request_scope(account, region):
            for task in tasks_of(service):
                if task.get("lastStatus") != "RUNNING":
                    continue
                if _has_healthy_targets(service, task):
                    _confirm(service_key, task)
                else:
                    _stop_if_unhealthy_for_long(service, task)


def _confirm(service_key, task):
    """Counts a task as healthy that was not yet healthy after its start-up window, and completes the deployment if it was
    the last one."""
    if task.pop("_awaits_health", False):
        ecs._record_service_task_healthy(service_key, task)
        ecs._complete_service_deployment(service_key.split("/")[0], service_key)


def _stop_if_unhealthy_for_long(service, task):
    for balancer in service["loadBalancers"]:
        group_arn = balancer.get("targetGroupArn", "")
        group = alb._tgs.get(group_arn) or {}
        allowed = max(
            group.get("HealthCheckIntervalSeconds", 30) * group.get("UnhealthyThresholdCount", 2),
            service.get("healthCheckGracePeriodSeconds") or 0,
        )
        if target_health.unhealthy_for_s(group_arn, ecs._task_ip(task)) > allowed:
            stop_failed_task(task, f"Task failed ELB health checks in (target-group {group_arn})")
            return


def stop_failed_task(task, reason):
    """Stops a task for a reason that counts as its failure; the service starts another one."""
    if ecs._mark_task_stopped(task["taskArn"], task, reason, "ServiceSchedulerInitiated"):
        # Stopping a container takes seconds; the health checks go on.
        spawn_background(ecs._cleanup_task_resources, task, ecs._get_docker(), thread_name="stop-unhealthy-task")
        ecs._record_service_task_failure(task)


def tasks_of(service):
    key = f"{service['clusterArn'].rsplit('/', 1)[-1]}/{service['serviceName']}"
    return [task for task in list(ecs._tasks.values()) if service_key_of(task) == key]


def _healthy_tasks(service):
    primary = ecs._primary_deployment(service)
    tasks = [task for task in tasks_of(service) if ecs._deployment_for_task(service, task) is primary]
    return sum(task.get("lastStatus") == "RUNNING" and _has_healthy_targets(service, task) for task in tasks)


def _has_healthy_targets(service, task):
    groups = [balancer.get("targetGroupArn") for balancer in service.get("loadBalancers") or []]
    return all(target_health.is_healthy(group, ecs._task_ip(task)) for group in groups)


def is_steady(service):
    """Whether the primary deployment is complete and all its desired tasks run and are healthy."""
    primary = ecs._primary_deployment(service)
    desired = service.get("desiredCount", 0)
    return primary is not None and primary.get("rolloutState") == "COMPLETED" and _healthy_tasks(service) >= desired
