"""The commented `xintu.toml` that a new locality starts from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from etl.settings import CONFIG_NAME
from geo.errors import ConfigError


def write_template(folder: Path) -> Path:
    """Write the template into a folder, which is made if need be.

    Raises
    ------
    ConfigError : the folder holds a configuration already; it is left as it is.
    """
    path = folder / CONFIG_NAME
    folder.mkdir(parents=True, exist_ok=True)
    text = resources.files("etl").joinpath("template.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as exc:
        raise ConfigError(f"{path}: there already; choose another folder, or edit it") from exc
    return path
