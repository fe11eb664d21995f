"""How long the emulated account keeps execution environments of functions. Each is a process with 30 to 70 MB of its own."""

import threading
import time

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_LOOK_EVERY_S = 2.0
# Only a burst needs more than one environment.
_END_FURTHER_AFTER_S = 5.0
_END_LAST_AFTER_S = 45.0


def end_idle_environments():
    """Ends a function's environment when it has been idle for a while; the next call starts another one. The emulator keeps
    one of each function for ever, and the others for at least five minutes.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """
    release = lambda_runtime.release_worker

    def release_and_note(environment):
        if environment is not None:
            environment.last_used = time.time()
        release(environment)

    lambda_runtime.release_worker = lambda_svc.release_worker = release_and_note
    threading.Thread(target=_look_for_idle, daemon=True).start()


def _look_for_idle():
    while True:
        time.sleep(_LOOK_EVERY_S)
        # Outside the lock, because an environment takes a while to end.
        lambda_runtime.kill_workers(_take_idle(time.time()))


def _take_idle(now):
    """Removes from the pools, and returns, what no call can use any more."""
    idle = []
    with lambda_runtime._lock:
        for key, environments in list(lambda_runtime._workers.items()):
            last, further = environments[:1], environments[1:]
            ending = [one for one in further if _is_idle(one, now, _END_FURTHER_AFTER_S)]
            if len(ending) == len(further):
                ending += [one for one in last if _is_idle(one, now, _END_LAST_AFTER_S)]
            lambda_runtime._workers[key] = [one for one in environments if one not in ending]
            idle += ending
    return idle


def _is_idle(environment, now, seconds):
    # Calls of a WebSocket API hold the environment's own lock only.
    is_called = environment.in_use or environment._lock.locked()
    return not is_called and now - environment.last_used > seconds
