"""The page on site, served by a process of its own that is only a client of the control socket."""
