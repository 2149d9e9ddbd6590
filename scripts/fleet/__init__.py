"""A fleet of execution environments, simulated against the services' quotas: Sidekey's own policy beside two others."""
