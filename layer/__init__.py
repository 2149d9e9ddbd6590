"""The Lambda layer: what starts the extension there, what assembles the layer, and how it is published and attached."""
