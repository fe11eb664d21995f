"""Attributes of new resources that the emulator does not take over from templates."""

from ministack.services.cloudformation import provisioners


def after_creation(resource_type, take_over):
    """Calls `take_over(physical_id, properties)` once a resource of the type has been created from a template."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handlers["create"]

    def create(logical_id, props, stack_name):
        created = original(logical_id, props, stack_name)
        take_over(created[0], props)
        return created

    handlers["create"] = create
