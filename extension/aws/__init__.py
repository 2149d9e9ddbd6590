"""AWS's wire: endpoints, signatures, credentials, and the calls themselves."""
