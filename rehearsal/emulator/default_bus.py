"""Events that AWS services send to the default bus and the emulator does not send."""

import json
import queue
import threading

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ecs, eventbridge
from ministack.services.cloudformation import changesets, handlers, stacks

_queue = queue.SimpleQueue()


def _send(source, detail_type, detail, resource):
    """Hands an event to the thread that publishes, which keeps the order."""
    detail = json.dumps(detail, default=str)
    entry = {"Source": source, "DetailType": detail_type, "Detail": detail, "Resources": [resource]}
    _queue.put((get_account_id(), get_region(), entry))


def publish():
    """Starts the thread that publishes. Targets are called in it, not in the thread of the change."""

    def run():
        while True:
            account, region, entry = _queue.get()
            try:
                with request_scope(account, region):
                    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
            except Exception:
                eventbridge.logger.exception("an event of %s could not be published", entry["Source"])

    threading.Thread(target=run, daemon=True, name="default-bus").start()


def send_stack_events():
    """Status changes of stacks and of their resources.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-resource-status-change.html
    """
    original = stacks._add_event

    def add(stack_id, stack_name, logical_id, resource_type, status, reason="", physical_id="", detailed_status=""):
        original(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)
        detail = {
            "stack-id": stack_id,
            "status-details": {"status": status, "status-reason": reason},
            "client-request-token": stacks.CLIENT_REQUEST_TOKEN.get(),
        }
        if resource_type == "AWS::CloudFormation::Stack" and logical_id == stack_name:
            _send("aws.cloudformation", "CloudFormation Stack Status Change", detail, stack_id)
            return
        resource = {
            "logical-resource-id": logical_id,
            "physical-resource-id": physical_id,
            "resource-type": resource_type,
        }
        _send("aws.cloudformation", "CloudFormation Resource Status Change", {**detail, **resource}, stack_id)

    for module in (stacks, changesets, handlers):
        module._add_event = add


def send_task_events():
    """State changes of ECS tasks: pending, running, stopped.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """

    def send_after(name):
        original = getattr(ecs, name)

        def mark(task_arn, task, *args, **options):
            changed = original(task_arn, task, *args, **options)
            if changed:
                detail = {**ecs._sanitize(task), "updatedAt": ecs._iso()}
                _send("aws.ecs", "ECS Task State Change", detail, task_arn)
            return changed

        setattr(ecs, name, mark)

    for name in ("_mark_task_pending", "_mark_task_running", "_mark_task_stopped"):
        send_after(name)


_EVENT_NAMES = {
    "IN_PROGRESS": ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS"),
    "COMPLETED": ("INFO", "SERVICE_DEPLOYMENT_COMPLETED"),
    "FAILED": ("ERROR", "SERVICE_DEPLOYMENT_FAILED"),
}


def send_deployment_events():
    """State changes of ECS deployments: in progress, completed, failed.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    """
    known = {}

    def send_changes():
        for service in list(ecs._services.values()):
            for deployment in list(service.get("deployments", [])):
                state = deployment["rolloutState"]
                if known.get(deployment["id"]) != state:
                    known[deployment["id"]] = state
                    _send_deployment(service, deployment, *_EVENT_NAMES[state])

    def send_after(name):
        original = getattr(ecs, name)

        def change(*args, **options):
            result = original(*args, **options)
            send_changes()
            return result

        setattr(ecs, name, change)
        for action, function in ecs._ACTION_MAP.items():
            if function is original:
                ecs._ACTION_MAP[action] = change

    for name in (
        "_create_service",
        "_update_service",
        "_complete_service_deployment",
        "_record_service_task_failure",
    ):
        send_after(name)


def _send_deployment(service, deployment, event_type, event_name):
    detail = {
        "eventType": event_type,
        "eventName": event_name,
        "clusterArn": service["clusterArn"],
        "deploymentId": deployment["id"],
        "updatedAt": deployment["updatedAt"],
        "reason": deployment["rolloutStateReason"],
    }
    _send("aws.ecs", "ECS Deployment State Change", detail, service["serviceArn"])
