#!/usr/bin/env node
// A function in Node whose initialisation takes 150 ms of work, and whose handler does nothing.
const runtime = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
for (const end = performance.now() + 150; performance.now() < end; );

while (true) {
  const next = await fetch(`${runtime}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  await next.text();
  await (await fetch(`${runtime}/${id}/response`, { method: "POST", body: "{}" })).text();
}
