"""Serves moto, another emulator of AWS, on 127.0.0.1: `python -I serve.py PORT`."""

import sys
import threading

from moto.apigateway.exceptions import UsagePlanNotFoundException
from moto.apigateway.models import APIGatewayBackend
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


class OneAtATime:
    """Serves requests to DynamoDB one after the other. moto checks the condition of a write and then writes, so two
    requests at the same time would both succeed."""

    def __init__(self, app):
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
            return self._app(environ, start_response)
        with self._lock:
            return self._app(environ, start_response)


def delete_missing_keys_with_404():
    """moto fails with status 500 when a key is not in a usage plan; API Gateway responds with NotFoundException.

    https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteUsagePlanKey.html
    """
    original = APIGatewayBackend.delete_usage_plan_key

    def delete(self, usage_plan_id, key_id):
        if key_id not in self.usage_plan_keys.get(usage_plan_id, {}):
            raise UsagePlanNotFoundException()
        original(self, usage_plan_id, key_id)

    APIGatewayBackend.delete_usage_plan_key = delete


delete_missing_keys_with_404()
application = OneAtATime(DomainDispatcherApplication(create_backend_app))
run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True)
