"""A stage to see the extension on: AWS's own emulator in private namespaces, with a sample AWS beside it."""
