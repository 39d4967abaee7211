"""The log: structlog, JSON for machines, colour for a terminal. One line says one thing once."""

import logging
import sys

import structlog


def configure(level: str, form: str) -> None:
    """Log from `level` on to standard error; `form` is `auto`, `json` or `console`."""
    human = form == "console" or (form == "auto" and sys.stderr.isatty())
    last = structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer(default=str)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not human),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
