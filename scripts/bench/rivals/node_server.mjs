// The same job in node: check the token, look the secret up, write its JSON.
import { createServer } from "node:http";

const [port, token, body] = process.argv.slice(2);
const secrets = new Map([["bench/0", JSON.parse(body)]]);

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const secret = pathname === "/secretsmanager/get" && secrets.get(searchParams.get("secretId"));
  const allowed = request.headers["x-aws-parameters-secrets-token"] === token;
  const status = !allowed ? 401 : secret ? 200 : 404;
  const answer = JSON.stringify(status === 200 ? secret : {});
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(answer) };
  response.writeHead(status, headers).end(answer);
}).listen(Number(port), "127.0.0.1");
