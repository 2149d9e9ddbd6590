// Stands in for Lambda's Node runtime: node.mjs MODULE
import { pathToFileURL } from "node:url";

const runtime = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const { handler } = await import(pathToFileURL(process.argv[2]));

while (true) {
  const next = await fetch(`${runtime}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  await fetch(`${runtime}/${id}/response`, { method: "POST", body: JSON.stringify(await handler(await next.json())) });
}
