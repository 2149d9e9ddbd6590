"""Sidekey: secrets for AWS Lambda functions in any language, served on 127.0.0.1:2773."""

__version__ = "0.1.0"
