"""Configuration: TOML to frozen structs; every mistake at once, with file, line, the value and what was expected."""

DEFAULT_FILE = "/etc/edge-agent/agent.toml"
