"""Features that the emulator's Cognito lacks for mails. Each function adds one and links the AWS page that defines it."""

from ministack.services import cognito


def let_functions_write_reset_mails():
    """Invokes a pool's custom message function for forgotten passwords; the emulator invokes it for invitations only.

    https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html
    """
    original = cognito._send_verification_email

    def send(pool, username, attributes, code, attribute_name="email"):
        message = {}
        if attribute_name == "password":
            message = cognito._apply_custom_message_trigger(
                pool, "CustomMessage_ForgotPassword", username, attributes, username_parameter=None
            )
        if not message.get("emailMessage"):
            return original(pool, username, attributes, code, attribute_name)
        return cognito._deliver_cognito_email(
            pool,
            attributes.get("email"),
            message.get("emailSubject") or "",
            cognito._expand_template(message["emailMessage"], username, code),
            type_name="CognitoVerificationMessage",
            extra={"Username": username, "AttributeName": attribute_name},
        )

    cognito._send_verification_email = send
