"""A line in the emulator's log for each call that IAM allows to a session of a role, as CloudTrail records who made a call.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import logging

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id

_logger = logging.getLogger("calls")


def log_calls_of_sessions():
    original = iam_evaluator.enforce

    def enforce(access_key_id, iam_action, *args, resource_arn="*", **rest):
        denied = original(access_key_id, iam_action, *args, resource_arn=resource_arn, **rest)
        if denied is None:
            caller = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
            arn = getattr(caller, "arn", "")
            if ":assumed-role/" in arn:
                _logger.info("%s called %s on %s", arn, iam_action, resource_arn)
        return denied

    iam_evaluator.enforce = enforce
