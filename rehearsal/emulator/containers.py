"""Features that the emulator's task containers lack. Each function adds one and links the AWS page that defines it."""

import os
import re
import threading
import time

from docker.errors import ImageNotFound
from docker.models.images import ImageCollection

from ministack.core import container_reaper
from ministack.core.concurrency import spawn_background
from ministack.core.responses import request_scope
from ministack.services import ecs

_LABEL = "tierplane.account"
_IMAGE_ID = re.compile("(sha256:)?[0-9a-f]{12,64}")
_OBSERVE_EVERY_S = 0.2
_LOOK_FOR_EXITED_EVERY_S = 2.0
_REMOVE_EXITED_AFTER_S = 15.0


def require_engine():
    """Fails services and tasks of an account without a container engine, which the emulator reports as running."""

    def refuse(_data):
        message = "this account has no container engine; start it with containers"
        return ecs.error_response_json("ServerException", message, 500)

    for action in ("CreateService", "RunTask"):
        ecs._ACTION_MAP[action] = refuse
    ecs._create_service = refuse
    ecs._run_task = refuse


def use_local_images_only():
    """Starts images of this account only, without a look-up in a registry. A missing image fails the task. The engine's
    names of the account's images begin with TIERPLANE_IMAGE_PREFIX.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """

    def refuse(_images, name, *_args, **_options):
        raise ImageNotFound(f"image {name} is not on this machine, and the rehearsal pulls no image")

    prefix = os.environ["TIERPLANE_IMAGE_PREFIX"]
    get_image = ImageCollection.get
    original = ecs._run_docker_container

    def get(images, name):
        return get_image(images, name if _IMAGE_ID.fullmatch(name) else prefix + name)

    def run(client, definition, run_kwargs, **options):
        local = {**definition, "image": prefix + definition["image"]}
        try:
            return original(client, local, run_kwargs, **{**options, "refresh_image": False})
        except ImageNotFound as error:
            raise ecs._ImagePullError(str(error).replace(local["image"], definition["image"])) from error

    ImageCollection.pull = refuse
    ImageCollection.get_registry_data = refuse
    ImageCollection.get = get
    ecs._run_docker_container = run


def observe_all_tasks_at_once():
    """Asks the engine for all running containers, and inspects a task only if one of its containers is not among them.
    The emulator inspects every task ten times a second, which costs the engine an eighth of a core.

    Containers that have exited are removed after a few seconds instead of two minutes.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
    """
    container_reaper.REAP_INTERVAL = _LOOK_FOR_EXITED_EVERY_S
    container_reaper.EXITED_GRACE = _REMOVE_EXITED_AFTER_S
    watched = {}
    started = threading.Event()

    def watch(task, client, account_id, region):
        watched[task["taskArn"]] = (task, account_id, region)
        if not started.is_set():
            started.set()
            spawn_background(observe, client, thread_name="observe-tasks")
        service_key = service_key_of(task)
        if service_key:
            cluster = service_key.split("/")[0]
            ecs._schedule_service_deployment_completion(cluster, service_key, account_id, region, healthy_task=task)

    def observe(client):
        while True:
            time.sleep(_OBSERVE_EVERY_S)
            if watched:
                try:
                    observe_once(client)
                except Exception as error:
                    ecs.logger.warning("ECS: the container engine could not be queried: %s", error)

    def observe_once(client):
        filters = {"label": f"{_LABEL}={os.environ['TIERPLANE_ACCOUNT']}", "status": "running"}
        running = {container["Id"] for container in client.api.containers(filters=filters)}
        for arn, (task, account_id, region) in list(watched.items()):
            with request_scope(account_id, region):
                if not ecs._task_is_active(arn, task):
                    watched.pop(arn, None)
                elif not running.issuperset(task.get("_docker_ids") or []):
                    ecs._maybe_mark_stopped(task, client)

    ecs._watch_task_lifecycle = watch


def service_key_of(task):
    """`cluster/service`, or None if the task belongs to no service."""
    group = task.get("group", "")
    cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    return f"{cluster}/{group.removeprefix('service:')}" if cluster and group.startswith("service:") else None


def apply_container_settings():
    """User, read-only root, memory limit, dropped capabilities, init process, entry point and volumes of a container
    definition.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    original = ecs._build_run_kwargs

    def build(definition, task_definition, *args):
        kwargs = original(definition, task_definition, *args)
        kwargs["labels"][_LABEL] = os.environ["TIERPLANE_ACCOUNT"]
        # The addresses that a task needs are addresses of this machine; see task_credentials.py and service_connect.py.
        kwargs.pop("extra_hosts", None)
        settings = _settings_of(definition, task_definition)
        kwargs.update({name: value for name, value in settings.items() if value})
        return kwargs

    ecs._build_run_kwargs = build


def _settings_of(definition, task_definition):
    linux = _member(definition, "linuxParameters") or {}
    memory = _member(definition, "memory") or _member(task_definition, "memory")
    return {
        "user": _member(definition, "user"),
        "read_only": _member(definition, "readonlyRootFilesystem"),
        "mem_limit": f"{memory}m" if memory else None,
        "cap_drop": _member(_member(linux, "capabilities") or {}, "drop"),
        "init": _member(linux, "initProcessEnabled"),
        "entrypoint": _member(definition, "entryPoint"),
        "tmpfs": _ephemeral_mounts(definition, task_definition),
    }


def _ephemeral_mounts(definition, task_definition):
    """Paths of the volumes without a source, which are the task's own and end with it."""
    volumes = task_definition.get("volumes") or []
    own = {_member(volume, "name") for volume in volumes if not _member(volume, "host")}
    mounts = definition.get("mountPoints") or []
    return {_member(mount, "containerPath"): "" for mount in mounts if _member(mount, "sourceVolume") in own}


def _member(holder, name):
    """A member of a structure that came from the API (camelCase) or from a template (PascalCase)."""
    return holder.get(name, holder.get(name[0].upper() + name[1:]))


def share_network_within_task():
    """Containers of one task reach each other on 127.0.0.1: those after the first join its network.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
    """
    original = ecs._build_run_kwargs

    def build(definition, task_definition, *args):
        kwargs = original(definition, task_definition, *args)
        first = task_definition["containerDefinitions"][0]["name"]
        if definition["name"] != first and task_definition.get("networkMode") == "awsvpc":
            kwargs.pop("network", None)
            kwargs["network_mode"] = f"container:{kwargs['name'].removesuffix(definition['name'])}{first}"
        return kwargs

    ecs._build_run_kwargs = build
