"""Runs the emulated AWS account: MiniStack with additions, on 127.0.0.1 and the port in GATEWAY_PORT. With a container engine
in DOCKER_HOST its ECS tasks are containers, and it listens on 169.254.170.2 as well.

When its standard input is closed it ends with every process that it started, so nothing outlives the parent process.
"""

import os
import signal
import sys
import threading

import call_log
import containers
import default_bus
import ecs_deployments
import events
import functions
import load_balancers
import mails
import policies
import recorded_types
import rest_api
import service_connect
import stacks_of_services
import task_credentials


def end_with_parent():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def run_containers():
    task_credentials.assign_address()
    task_credentials.listen_for_tasks()
    task_credentials.issue_sessions_of_task_roles()
    containers.use_local_images_only()
    containers.observe_all_tasks_at_once()
    containers.apply_container_settings()
    containers.share_network_within_task()
    ecs_deployments.start_first_deployment_in_progress()
    ecs_deployments.complete_with_healthy_targets()
    stacks_of_services.wait_for_steady_services()
    service_connect.connect_services()
    default_bus.send_task_events()
    default_bus.send_deployment_events()


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    # Patch before importing ministack.app, which imports some of these functions by name.
    policies.add_leading_keys()
    policies.add_keys_of_transaction_items()
    policies.add_event_keys()
    policies.name_services_and_tasks()
    policies.add_cluster_of_listed_tasks()
    policies.name_senders()
    policies.add_role_of_stacks()
    policies.add_request_tags_of_user_pools()
    policies.add_policy_variables()
    policies.add_secure_transport()
    policies.add_tags_of_user_pools()
    call_log.log_calls_of_sessions()
    events.add_stack_resource_types()
    events.keep_calls_local()
    events.enforce_target_permissions()
    functions.end_idle_environments()
    mails.let_functions_write_reset_mails()
    rest_api.take_key_source_from_templates()
    rest_api.meter_by_authorizer_key()
    rest_api.show_context_in_gateway_responses()
    rest_api.proxy_whole_responses()
    load_balancers.take_listener_attributes_from_templates()
    load_balancers.register_targets_from_templates()
    recorded_types.record_resource_types()
    default_bus.publish()
    default_bus.send_stack_events()
    if "DOCKER_HOST" in os.environ:
        run_containers()
    else:
        containers.require_engine()

    from ministack import app

    rest_api.serve_public_names(app)
    app.main()


if __name__ == "__main__":
    main()
