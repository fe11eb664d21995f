"""Runs the emulated AWS account: MiniStack with additions, on 127.0.0.1 and the port in GATEWAY_PORT.

When its standard input is closed it ends with every process that it started, so nothing outlives the parent process.
"""

import os
import signal
import sys
import threading

import events
import policies


def end_with_parent():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    # Patch before importing ministack.app, which imports some of these functions by name.
    policies.add_leading_keys()
    policies.add_keys_of_transaction_items()
    policies.add_event_keys()
    policies.add_policy_variables()
    policies.add_secure_transport()
    events.add_stack_resource_types()
    events.keep_calls_local()
    events.enforce_target_permissions()

    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
