"""The options of a device's language: checked against what the language declares, and completed with its defaults."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from edge_agent.config.convert import choice
from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report
from edge_agent.config.nearest import nearest
from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option

_TYPE_TEXT = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


class Languages(NamedTuple):
    """The device languages this agent has. `spec` raises ConfigError for a name that `names` does not list."""

    spec: Callable[[str], LanguageSpec]
    names: Callable[[], Iterable[str]]


def complete_options(spec: LanguageSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of the language: those given, and the defaults of those that are not.

    For options that `load` let through; whole numbers become floats where the language wants floats. Raises
    ConfigError when a required option is absent or one is unknown.
    """
    unknown = sorted(options.keys() - spec.options.keys())
    missing = sorted(name for name, option in spec.options.items() if option.default is None and name not in options)
    if unknown or missing:
        raise ConfigError(
            f"options of {spec.name}: "
            + "; ".join([f"{n} is unknown" for n in unknown] + [f"{n} is missing" for n in missing])
        )
    return {name: _as_declared(option, options.get(name, option.default)) for name, option in spec.options.items()}


def check_options(spec: LanguageSpec, device: Mapping[str, Any], path: Path, report: Report) -> None:
    """Report what is wrong in the options of the device at `path`; its last word has the language itself."""
    options, inside = device["options"], (*path, "options")
    for name, value in options.items():
        option = spec.options.get(name)
        if option is None:
            report.add(
                (*inside, name),
                value,
                what=f"{spec.name} has no such option",
                expected=choice(sorted(spec.options)) if spec.options else "none",
                nearest=nearest(name, spec.options),
            )
        elif not _is_declared(option, value):
            report.add((*inside, name), value, expected=_expected(option))
    for name, option in spec.options.items():
        if option.default is None and name not in options:
            report.add((*inside, name), what="missing", expected=_expected(option))
    if report.clean(inside) and "name" in device:
        try:
            spec.make(device["name"], complete_options(spec, options))
        except ConfigError as error:
            report.add(inside, what=str(error))


def _is_declared(option: Option, value: object) -> bool:
    if option.type is float:
        return type(value) in (int, float)
    return type(value) is option.type


def _as_declared(option: Option, value: Any) -> Any:
    return float(value) if option.type is float else value


def _expected(option: Option) -> str:
    kind = _TYPE_TEXT.get(option.type, option.type.__name__)
    return f"{kind}: {option.doc}" if option.doc else kind
