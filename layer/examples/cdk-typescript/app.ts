// npm install && npx cdk deploy
import { App, Stack } from "aws-cdk-lib";
import { Architecture, Code, Function, LayerVersion, Runtime } from "aws-cdk-lib/aws-lambda";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { StringParameter } from "aws-cdk-lib/aws-ssm";

const stack = new Stack(new App(), "SidekeyExample");

const arn = StringParameter.valueForStringParameter(stack, "/sidekey/layers/arm64/latest");
const handler = new Function(stack, "Function", {
  code: Code.fromAsset("../functions/node"),
  handler: "index.handler",
  runtime: Runtime.NODEJS_22_X,
  architecture: Architecture.ARM_64,
  layers: [LayerVersion.fromLayerVersionArn(stack, "Sidekey", arn)],
  environment: { SIDEKEY_PREFETCH: "secretsmanager://demo/database,ssm:///demo/greeting" },
});

Secret.fromSecretNameV2(stack, "Database", "demo/database").grantRead(handler);
StringParameter.fromStringParameterName(stack, "Greeting", "/demo/greeting").grantRead(handler);
