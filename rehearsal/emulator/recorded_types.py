"""Resource types that stacks need and the emulator does not know. They are recorded without effect; docs/aws-proof.md
lists them. Each has a page below
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import ec2
from ministack.services.cloudformation import provisioners

# Prefix of the physical id, and the attributes that Fn::GetAtt reads, in which {id} is the physical id.
_TYPES = {
    "AWS::EC2::SecurityGroupIngress": ("sgr", {"Id": "{id}"}),
    "AWS::EC2::SecurityGroupEgress": ("sgr", {"Id": "{id}"}),
    "AWS::EC2::NatGateway": ("nat", {"NatGatewayId": "{id}"}),
    "AWS::EC2::EIP": ("eipalloc", {"AllocationId": "{id}", "PublicIp": "192.0.2.1"}),
    "AWS::EC2::FlowLog": ("fl", {"Id": "{id}"}),
    "AWS::ApiGateway::VpcLink": ("vpclink", {"VpcLinkId": "{id}"}),
    "AWS::ApiGatewayV2::VpcLink": ("vpclink", {"VpcLinkId": "{id}"}),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("scalable-target", {"Id": "{id}"}),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("scaling-policy", {"Arn": "arn:aws:autoscaling:{scope}:{id}"}),
    "AWS::WAFv2::WebACLAssociation": ("web-acl-association", {}),
    "AWS::CloudWatch::CompositeAlarm": ("composite-alarm", {"Arn": "arn:aws:cloudwatch:{scope}:alarm:{id}"}),
    "AWS::Budgets::Budget": ("budget", {}),
    "AWS::ECS::CapacityProvider": ("capacity-provider", {}),
    "AWS::ECS::ClusterCapacityProviderAssociations": ("capacity-providers", {}),
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": ("listener-certificate", {}),
    "AWS::Events::Archive": ("archive", {"ArchiveName": "{id}", "Arn": "arn:aws:events:{scope}:archive/{id}"}),
    "AWS::Events::EventBusPolicy": ("event-bus-policy", {}),
}


def record_resource_types():
    """Accepts the types that the emulator lacks. A later version of it that provides one keeps its own."""
    for resource_type, (prefix, attributes) in _TYPES.items():
        provisioners._RESOURCE_HANDLERS.setdefault(resource_type, _handlers(prefix, attributes))
    _add_cidr_block_of_vpc()
    _record_metric_math()


def _add_cidr_block_of_vpc():
    """The emulator does not return this attribute of AWS::EC2::VPC, which load balancers' security groups read.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpc.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::EC2::VPC"]

    def with_cidr_block(handler):
        def handle(*args, **options):
            vpc_id, attributes = handler(*args, **options)
            return vpc_id, {"CidrBlock": ec2._vpcs[vpc_id]["CidrBlock"], **attributes}

        return handle

    for operation in ("create", "update"):
        handlers[operation] = with_cidr_block(handlers[operation])


def _handlers(prefix, attributes):
    def described(physical_id):
        scope = f"{get_region()}:{get_account_id()}"
        return {name: value.format(id=physical_id, scope=scope) for name, value in attributes.items()}

    def create(_logical_id, _props, _stack_name):
        physical_id = f"{prefix}-{new_uuid().replace('-', '')[:17]}"
        return physical_id, described(physical_id)

    def update(physical_id, _old_props, _new_props, _stack_name):
        return physical_id, described(physical_id)

    return {"create": create, "update": update, "delete": lambda _physical_id, _props: None}


def _record_metric_math():
    """The emulator refuses an alarm on an expression over several metrics. It is recorded without effect, as all alarms.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    recorded = _handlers("alarm", {"Arn": "arn:aws:cloudwatch:{scope}:alarm:{id}"})
    original = dict(handlers)

    def create(logical_id, props, stack_name):
        return (recorded if props.get("Metrics") else original)["create"](logical_id, props, stack_name)

    def update(physical_id, old_props, new_props, stack_name, logical_id=None):
        if new_props.get("Metrics"):
            return recorded["update"](physical_id, old_props, new_props, stack_name)
        return original["update"](physical_id, old_props, new_props, stack_name, logical_id)

    def delete(physical_id, props):
        if not (props or {}).get("Metrics"):
            original["delete"](physical_id, props)

    handlers.update(create=create, update=update, delete=delete)
