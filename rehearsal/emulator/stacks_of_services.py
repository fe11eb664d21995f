"""How CloudFormation creates and updates ECS services. The emulator does not wait for their tasks."""

import time

from ministack.services import ecs
from ministack.services.cloudformation import provisioners, stacks

from ecs_deployments import is_steady, tasks_of

_TYPE = "AWS::ECS::Service"
_STEADY_WITHIN_S = 180
_POLL_S = 0.1


def wait_for_steady_services():
    """A service is created or updated when its deployment is complete and its tasks are healthy. It fails when the circuit
    breaker stops the deployment; the reason names the exit codes of the last failed task. A service that could not be
    created is deleted, one that could not be updated gets its previous properties back.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html
    """
    handlers = provisioners._RESOURCE_HANDLERS[_TYPE]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_and_wait(logical_id, props, stack_name):
        created = create(logical_id, _with_integer_desired_count(props), stack_name)
        try:
            _wait(created[0])
        except BaseException:
            delete(created[0], props)
            raise
        return created

    def update_and_wait(physical_id, old_props, new_props, stack_name):
        updated = update(physical_id, old_props, _with_integer_desired_count(new_props), stack_name)
        _wait(physical_id)
        return updated

    handlers.update(create=create_and_wait, update=update_and_wait)
    _run_off_the_event_loop()
    _send_back_failed_updates()


def _with_integer_desired_count(props):
    """A parameter of type Number is text where a template uses it; CloudFormation converts it to the property's type.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    count = props.get("DesiredCount")
    return props if count is None else {**props, "DesiredCount": int(count)}


def _run_off_the_event_loop():
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type == _TYPE or original(resource_type)


def _send_back_failed_updates():
    original = stacks._sends_back_failed_update
    stacks._sends_back_failed_update = lambda resource_type: resource_type == _TYPE or original(resource_type)


def _wait(service_arn):
    cluster, name = service_arn.split("/")[-2:]
    service = ecs._services.get(f"{cluster}/{name}") or {}
    started = ecs._primary_deployment(service) or {}
    end = time.monotonic() + _STEADY_WITHIN_S
    while time.monotonic() < end:
        if service.get("status") != "ACTIVE":
            raise ValueError(f"service {name} was deleted before it was steady")
        if started.get("rolloutState") == "FAILED":
            raise ValueError(
                "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'. "
                f"{started['rolloutStateReason']} {_last_stop(service, started)}"
            )
        if is_steady(service):
            return
        time.sleep(_POLL_S)
    raise ValueError(f"service {name} was not steady within {_STEADY_WITHIN_S} s. {_last_stop(service, started)}")


def _last_stop(service, deployment):
    """The reason and the exit codes of the last task that the deployment lost."""
    stopped = [
        task
        for task in tasks_of(service)
        if task.get("_deployment_id") == deployment.get("id") and task.get("stoppedReason")
    ]
    if not stopped:
        return ""
    last = max(stopped, key=lambda task: task["stoppedAt"])
    codes = [f"{one['name']} exited with {one['exitCode']}" for one in last["containers"] if one.get("exitCode") is not None]
    return f"Last task: {last['stoppedReason']} ({', '.join(codes) or 'no exit code'})."
