"""Other ways to the desk (core.ports.HelpChannel). Each kind is imported only when it is configured."""
