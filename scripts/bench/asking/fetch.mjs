// A Node function's way to ask: fetch. `fetch.mjs PORT TOKEN COUNT` prints microseconds, one a line.
const [port, token, count] = process.argv.slice(2);
const headers = { "X-Aws-Parameters-Secrets-Token": token };
for (let asked = 0; asked < Number(count); asked++) {
  const begun = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/secretsmanager/get?secretId=bench/0`, { headers });
  await answer.text();
  console.log(((performance.now() - begun) * 1000).toFixed(1));
}
