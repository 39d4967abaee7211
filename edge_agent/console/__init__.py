"""Consoles: clients of the control socket, never of the hardware.

They speak English wherever they run: argparse is spared its search for translations, 0.5 MB of gettext and locale.
"""

from edge_agent.lean import put_off

put_off("gettext", {"gettext": lambda text: text, "ngettext": lambda one, many, number: one if number == 1 else many})
