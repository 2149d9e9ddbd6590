const headers = { "X-Aws-Parameters-Secrets-Token": process.env.AWS_SESSION_TOKEN };

async function read(reference) {
  const answer = await fetch(`http://127.0.0.1:2773/value?ref=${encodeURIComponent(reference)}`, { headers });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.text();
}

const password = await read("secretsmanager://demo/database#password"); // while the function initialises

export async function handler() {
  return { greeting: await read("ssm:///demo/greeting"), passwordLength: password.length };
}
