#!/usr/bin/env node
// A Lambda function in Node: reads a password while it initialises, and again in every event.
const { AWS_LAMBDA_RUNTIME_API, AWS_SESSION_TOKEN } = process.env;
const runtime = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const headers = { "X-Aws-Parameters-Secrets-Token": AWS_SESSION_TOKEN };

async function readPassword(secretId) {
  const asked = Date.now(), start = performance.now();
  const answer = await fetch(`http://127.0.0.1:2773/secretsmanager/get?secretId=${secretId}`, { headers });
  const { password } = JSON.parse((await answer.json()).SecretString);
  return { value: password, asked_at: asked / 1000, seconds: (performance.now() - start) / 1000 };
}

const init = await readPassword("demo/database");

while (true) {
  const next = await fetch(`${runtime}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const body = JSON.stringify({ init, event: await readPassword("demo/database") });
  await fetch(`${runtime}/${id}/response`, { method: "POST", body });
}
