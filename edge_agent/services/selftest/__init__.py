"""The self-test: `runner` runs probes that need one another, the others are probes of this machine."""
