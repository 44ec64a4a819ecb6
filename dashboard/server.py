"""Serve the dashboard: gunicorn with warmed workers, one line that says where to look."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from gunicorn.app.base import BaseApplication

from geo.errors import ConfigError

if TYPE_CHECKING:
    from etl.settings import Settings

TIMEOUT_S = 60


class Beside(Protocol):
    """A process that runs beside the server."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """End it."""


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, build: Callable[[], Any], options: dict[str, Any]) -> None:
        self._build = build
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._build()


def serve_forever(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    announce: Callable[[str], None],
    beside: Beside | None = None,
) -> None:
    """Serve until stopped.

    The app is loaded and warmed once, before the workers are forked from it.

    Parameters
    ----------
    announce : told where to look, as soon as the address answers.
    beside : started when the server is ready, ended with it.

    Raises
    ------
    ConfigError : the port is taken.
    StoreError : there is no store, or nothing has been published in it.
    """
    from dashboard.app import create_app
    from etl.response.desk import Desk
    from etl.siting.desk import SitingDesk
    from etl.store.engine import open_engine
    from etl.store.reader import Reader

    if _taken(host, port):
        raise ConfigError(f"{host}:{port} is in use; stop what runs there or choose --port")
    reader = Reader(settings.store_url)
    reader.current()
    engine = open_engine(settings.store_url)
    desk = Desk(engine, settings) if settings.config.response.offices else None

    planner = SitingDesk(engine, settings, reader)

    def build() -> Any:
        server = create_app(reader, desk=desk, planner=planner).server
        # An unwarmed app would answer the first callbacks with 500.
        with server.test_client() as client:
            for path in ("/", "/_dash-layout", "/_dash-dependencies"):
                client.get(path)
        return server

    def when_ready(_arbiter: Any) -> None:
        if beside is not None:
            beside.start()
        announce(f"心图 Xintu: http://{host}:{port}  (大屏 wall: /wall · 数据 data: /data)")

    def post_fork(_arbiter: Any, _worker: Any) -> None:
        reader.forked()
        engine.dispose(close=False)

    serving = os.getpid()

    def on_exit(_arbiter: Any) -> None:
        if beside is not None and os.getpid() == serving:
            beside.stop()

    options = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "threads": 4,
        "worker_class": "gthread",
        "preload_app": True,
        "timeout": TIMEOUT_S,
        "loglevel": "warning",
        "when_ready": when_ready,
        "post_fork": post_fork,
        "on_exit": on_exit,
    }
    _Server(build, options).run()


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((host, port)) == 0
