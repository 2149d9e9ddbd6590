# terraform init && terraform apply
data "aws_ssm_parameter" "sidekey" {
  name = "/sidekey/layers/arm64/latest" # or use the ARN that scripts/publish printed
}

data "aws_secretsmanager_secret" "database" {
  name = "demo/database"
}

data "aws_ssm_parameter" "greeting" {
  name            = "/demo/greeting"
  with_decryption = false
}

data "archive_file" "code" {
  type        = "zip"
  source_dir  = "../functions/node"
  output_path = "function.zip"
}

resource "aws_lambda_function" "function" {
  function_name    = "sidekey-example"
  filename         = data.archive_file.code.output_path
  source_code_hash = data.archive_file.code.output_base64sha256
  handler          = "index.handler"
  runtime          = "nodejs22.x"
  architectures    = ["arm64"]
  role             = aws_iam_role.function.arn
  layers           = [nonsensitive(data.aws_ssm_parameter.sidekey.value)]

  environment {
    variables = {
      SIDEKEY_PREFETCH = "secretsmanager://demo/database,ssm:///demo/greeting"
    }
  }
}

resource "aws_iam_role" "function" {
  name = "sidekey-example"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "read" {
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = data.aws_secretsmanager_secret.database.arn },
      { Effect = "Allow", Action = "ssm:GetParameters", Resource = data.aws_ssm_parameter.greeting.arn },
    ]
  })
}
