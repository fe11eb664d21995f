"""A line in the emulator's log for each call of a session of a role, allowed or denied by IAM, as CloudTrail records who made
a call.

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
        if not isinstance(denied, iam_evaluator.AuthError):
            caller = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
            arn = getattr(caller, "arn", "")
            if ":assumed-role/" in arn:
                _logger.info("%s %s %s on %s", arn, "was denied" if denied else "called", iam_action, resource_arn)
        return denied

    iam_evaluator.enforce = enforce
