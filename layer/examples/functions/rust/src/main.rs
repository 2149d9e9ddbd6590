use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

fn read(reference: &str) -> Result<String, Error> {
    let request = ureq::get("http://127.0.0.1:2773/value").query("ref", reference);
    let token = std::env::var("AWS_SESSION_TOKEN")?;
    Ok(request.header("X-Aws-Parameters-Secrets-Token", token).call()?.body_mut().read_to_string()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let length = read("secretsmanager://demo/database#password")?.len(); // while the function initialises
    let handle = |_event: LambdaEvent<Value>| async move {
        Ok::<_, Error>(json!({ "greeting": read("ssm:///demo/greeting")?, "passwordLength": length }))
    };
    run(service_fn(handle)).await
}
