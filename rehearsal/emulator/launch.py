"""Runs the emulated AWS account: MiniStack with what it lacks added, on 127.0.0.1 and the port of GATEWAY_PORT.

It ends, with every process it started, when its standard input is closed: so nothing of it outlives who started it.
"""

import os
import signal
import sys
import threading

import events
import policies


def end_with_the_starter():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main():
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    # Before ministack.app is imported: it takes some of these functions by name.
    policies.add_leading_keys()
    policies.add_event_keys()
    policies.add_policy_variables()
    policies.answer_secure_transport()
    events.add_stack_resource_types()
    events.keep_calls_local()
    events.enforce_target_permissions()

    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
