// The same job in node: check the token, look the secret up, write its JSON or its bare value.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, token, secretsFile] = process.argv.slice(2);
const secrets = new Map(Object.entries(JSON.parse(readFileSync(secretsFile, "utf8"))));

function find({ pathname, searchParams }) {
  if (pathname === "/secretsmanager/get") {
    const secret = secrets.get(searchParams.get("secretId"));
    return secret && ["application/json", JSON.stringify(secret)];
  }
  const secret = pathname === "/value" && secrets.get(searchParams.get("ref")?.replace("secretsmanager://", ""));
  if (!secret) return undefined;
  return ["text/plain", secret.SecretString ?? Buffer.from(secret.SecretBinary, "base64")];
}

createServer((request, response) => {
  const allowed = request.headers["x-aws-parameters-secrets-token"] === token;
  const found = allowed && find(new URL(request.url, "http://localhost"));
  const [type, body] = found || ["application/json", "{}"];
  const headers = { "Content-Type": type, "Content-Length": Buffer.byteLength(body) };
  response.writeHead(found ? 200 : allowed ? 404 : 401, headers).end(body);
}).listen(Number(port), "127.0.0.1");
