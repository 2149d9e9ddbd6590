# pip install -r requirements.txt && npx cdk deploy
from aws_cdk import App, Stack
from aws_cdk.aws_lambda import Architecture, Code, Function, LayerVersion, Runtime
from aws_cdk.aws_secretsmanager import Secret
from aws_cdk.aws_ssm import StringParameter

app = App()
stack = Stack(app, "SidekeyExample")

arn = StringParameter.value_for_string_parameter(stack, "/sidekey/layers/arm64/latest")
handler = Function(
    stack,
    "Function",
    code=Code.from_asset("../functions/node"),
    handler="index.handler",
    runtime=Runtime.NODEJS_22_X,
    architecture=Architecture.ARM_64,
    layers=[LayerVersion.from_layer_version_arn(stack, "Sidekey", arn)],
    environment={"SIDEKEY_PREFETCH": "secretsmanager://demo/database,ssm:///demo/greeting"},
)

Secret.from_secret_name_v2(stack, "Database", "demo/database").grant_read(handler)
StringParameter.from_string_parameter_name(stack, "Greeting", "/demo/greeting").grant_read(handler)

app.synth()
