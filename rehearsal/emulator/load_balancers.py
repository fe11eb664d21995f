"""What the emulator's load balancers do not take over from templates. Each function links the AWS page that defines it."""

from created_resources import after_creation
from ministack.services import alb


def take_listener_attributes_from_templates():
    """`ListenerAttributes` of a listener, such as the headers that it adds to responses. The emulator takes them over at updates
    only.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
    """

    def take_over(listener_arn, props):
        attributes = props.get("ListenerAttributes") or []
        alb._listener_attrs[listener_arn] = [{"Key": one["Key"], "Value": str(one["Value"])} for one in attributes]

    after_creation("AWS::ElasticLoadBalancingV2::Listener", take_over)


def register_targets_from_templates():
    """`Targets` of a new target group, such as a function.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-targetgroup.html
    """

    def take_over(target_group_arn, props):
        if props.get("Targets"):
            alb._targets[target_group_arn] = [dict(target) for target in props["Targets"]]

    after_creation("AWS::ElasticLoadBalancingV2::TargetGroup", take_over)
