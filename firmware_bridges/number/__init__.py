"""A number in a file of the kernel."""
