"""Service Connect, which the emulator lacks.

On AWS a proxy in each task leads a client alias to the tasks of its service. Here each alias has an address of its own on the
loopback, where a forwarder listens on the alias's port, and the tasks of the namespace find the address in /etc/hosts.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
"""

import asyncio
import os
import random
import subprocess
import threading
from dataclasses import dataclass, field

from ministack.services import ecs
from ministack.services.cloudformation import provisioners

from containers import service_key_of

_TYPE = "AWS::ECS::Service"
_HOSTS = 65_536
# A container that was just killed may still count as running. Nothing responds at its address, and without a limit a
# connection to it would take minutes to fail.
_CONNECT_WITHIN_S = 1.0
_TRIES = 256


@dataclass
class _Participant:
    """A service that takes part in Service Connect."""

    namespace: str
    # Name of an alias -> its address.
    aliases: dict = field(default_factory=dict)
    servers: list = field(default_factory=list)


# By `cluster/service`.
_participants = {}
_loop = asyncio.new_event_loop()


def connect_services():
    """`ServiceConnectConfiguration` of services in stacks. A task knows the aliases that exist when it starts."""
    threading.Thread(target=_loop.run_forever, daemon=True, name="service-connect").start()
    _follow_stacks()
    _follow_resets()
    _name_aliases_in_tasks()


def _follow_stacks():
    handlers = provisioners._RESOURCE_HANDLERS[_TYPE]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_connected(logical_id, props, stack_name):
        key = f"{props.get('Cluster', 'default')}/{props.get('ServiceName', f'{stack_name}-{logical_id}')}"
        _join(key, props)
        try:
            return create(logical_id, props, stack_name)
        except BaseException:
            _leave(key)
            raise

    def update_connected(physical_id, old_props, new_props, stack_name):
        key = "/".join(physical_id.split("/")[-2:])
        if old_props.get("ServiceConnectConfiguration") != new_props.get("ServiceConnectConfiguration"):
            _leave(key)
            _join(key, new_props)
        return update(physical_id, old_props, new_props, stack_name)

    def delete_connected(physical_id, props):
        _leave("/".join(physical_id.split("/")[-2:]))
        delete(physical_id, props)

    handlers.update(create=create_connected, update=update_connected, delete=delete_connected)


def _follow_resets():
    original = ecs.reset

    def reset():
        for key in list(_participants):
            _leave(key)
        original()

    ecs.reset = reset


def _join(key, props):
    configuration = props.get("ServiceConnectConfiguration") or {}
    if not configuration.get("Enabled"):
        return
    participant = _participants[key] = _Participant(configuration.get("Namespace") or key.split("/")[0])
    try:
        _serve_aliases(participant, key, props, configuration)
    except BaseException:
        _leave(key)
        raise


def _serve_aliases(participant, key, props, configuration):
    task_definition = ecs._task_defs[ecs._resolve_td_key(props["TaskDefinition"])]
    ports = {
        mapping.get("name"): int(mapping["containerPort"])
        for definition in task_definition["containerDefinitions"]
        for mapping in definition.get("portMappings", [])
    }
    for service in configuration.get("Services") or []:
        port = ports.get(service["PortName"])
        if port is None:
            raise ValueError(f"Service Connect: no container has a port mapping named {service['PortName']}")
        for alias in service.get("ClientAliases") or [{"Port": port}]:
            name = alias.get("DnsName") or service.get("DiscoveryName") or service["PortName"]
            if name not in participant.aliases:
                participant.aliases[name] = _assign_address()
            participant.servers.append(_listen(participant.aliases[name], int(alias["Port"]), key, port))


def _leave(key):
    participant = _participants.pop(key, None)
    if participant is None:
        return
    for server in participant.servers:
        _loop.call_soon_threadsafe(server.close)
    for address in participant.aliases.values():
        subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=True)


def _assign_address():
    """A link-local address that no account uses. The search starts at a number that follows from this account's port; the
    kernel refuses an address that another account has."""
    start = int(os.environ["GATEWAY_PORT"]) * 97
    for number in range(start, start + _TRIES):
        high, low = divmod(number % _HOSTS, 256)
        # 169.254.169.254 and 169.254.170.2 have a meaning, and the first and last 256 addresses are reserved.
        if high in (0, 169, 170, 255):
            continue
        address = f"169.254.{high}.{low}"
        label = os.environ["TIERPLANE_ALIAS_LABEL"]
        added = subprocess.run(
            ["ip", "address", "add", f"{address}/32", "dev", "lo", "label", label], stderr=subprocess.DEVNULL, check=False
        )
        if added.returncode == 0:
            return address
    raise ValueError("Service Connect: no link-local address is free")


def _listen(address, port, key, container_port):
    async def forward(reader, writer):
        try:
            upstream = await _connect(key, container_port)
            if upstream:
                await asyncio.gather(_pump(reader, upstream[1]), _pump(upstream[0], writer))
        finally:
            writer.close()

    return asyncio.run_coroutine_threadsafe(asyncio.start_server(forward, address, port), _loop).result(timeout=5)


async def _connect(key, port):
    """A connection to a running task of the service, or None."""
    tasks = [task for task in list(ecs._tasks._data.values()) if service_key_of(task) == key]
    addresses = [ecs._task_ip(task) for task in tasks if task.get("lastStatus") == "RUNNING"]
    random.shuffle(addresses)
    for address in filter(None, addresses):
        try:
            return await asyncio.wait_for(asyncio.open_connection(address, port), _CONNECT_WITHIN_S)
        except (OSError, asyncio.TimeoutError):
            continue
    return None


async def _pump(reader, writer):
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def _name_aliases_in_tasks():
    original = ecs._build_run_kwargs

    def build(definition, task_definition, *args):
        kwargs = original(definition, task_definition, *args)
        # The containers of a task share its /etc/hosts with its network.
        if "network_mode" not in kwargs:
            kwargs["extra_hosts"] = _aliases_for(kwargs["labels"]["com.amazonaws.ecs.task-arn"]) or None
        return kwargs

    ecs._build_run_kwargs = build


def _aliases_for(task_arn):
    task = ecs._tasks.get(task_arn) or {}
    participant = _participants.get(service_key_of(task))
    if participant is None:
        return {}
    others = [one for one in _participants.values() if one.namespace == participant.namespace]
    return {name: address for one in others for name, address in one.aliases.items()}
