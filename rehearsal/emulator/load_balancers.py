"""What the emulator's load balancers do not take over from templates. Each function links the AWS page that defines it."""

from ministack.services import alb
from ministack.services.cloudformation import provisioners


def take_listener_attributes_from_templates():
    """`ListenerAttributes` of a listener, such as the headers that it adds to responses. The emulator takes them over at updates
    only.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ElasticLoadBalancingV2::Listener"]
    original = handlers["create"]

    def create(logical_id, props, stack_name):
        created = original(logical_id, props, stack_name)
        attributes = props.get("ListenerAttributes") or []
        alb._listener_attrs[created[0]] = [{"Key": one["Key"], "Value": str(one["Value"])} for one in attributes]
        return created

    handlers["create"] = create


def register_targets_from_templates():
    """`Targets` of a new target group, such as a function.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-targetgroup.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ElasticLoadBalancingV2::TargetGroup"]
    original = handlers["create"]

    def create(logical_id, props, stack_name):
        created = original(logical_id, props, stack_name)
        if props.get("Targets"):
            alb._targets[created[0]] = [dict(target) for target in props["Targets"]]
        return created

    handlers["create"] = create
