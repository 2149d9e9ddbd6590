import os
from urllib.parse import quote
from urllib.request import Request, urlopen


def read(reference):
    token = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_SESSION_TOKEN"]}
    return urlopen(Request(f"http://127.0.0.1:2773/value?ref={quote(reference)}", headers=token)).read().decode()


PASSWORD = read("secretsmanager://demo/database#password")  # while the function initialises


def handler(event, context):
    return {"greeting": read("ssm:///demo/greeting"), "passwordLength": len(PASSWORD)}
