"""Start the app's server: on this machine alone unless told otherwise, and without asking anybody for anything."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from typing import Any

from perospin import look
from perospin._optional import require
from perospin.app.folders import VARIABLE
from perospin.errors import DataError, PerospinError

__all__ = ["LARGEST_UPLOAD_MB", "launch", "options"]

LARGEST_UPLOAD_MB = 64


def options(address: str, port: int) -> dict[str, Any]:
    """Give the settings of the server; each stands above what a file of the user's or the environment says.

    The address is always given: without one, Streamlit asks a server outside for the machine's own.
    """
    return {
        "server.address": address,
        "server.port": port,
        "server.headless": True,
        "server.maxUploadSize": LARGEST_UPLOAD_MB,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "theme.base": "light",
        "theme.primaryColor": look.BLUE,
        "theme.textColor": look.BLACK,
        "theme.chartCategoricalColors": list(look.COLOURS),
        "theme.font": "sans-serif",
        "theme.baseFontSize": 15,
    }


def launch(address: str = "127.0.0.1", port: int = 8501, browser: bool = True, folder: Path = Path()) -> None:
    """Serve the app until it is interrupted.

    Parameters
    ----------
    address : str
        Where to listen; anything but the loopback address lets others in.
    port : int
    browser : bool
        Open a browser once the server answers.
    folder : path
        Whose campaigns and results the app shows, and in which new ones are made.

    Raises
    ------
    MissingExtraError
        If the extra ``app`` is not installed.
    DataError
        If the port is taken, the address is none of this machine, or there is no such folder.
    """
    require("streamlit", "app")
    require("plotly", "app")
    _check_free(address, port)
    if not folder.is_dir():
        raise DataError(f"--folder {folder}: there is no such folder")
    os.environ[VARIABLE] = str(folder.resolve())
    from streamlit.web import bootstrap

    given = options(address, port)
    bootstrap.load_config_options(given)
    threading.Thread(target=_warm_up, daemon=True).start()
    if browser:
        host = "127.0.0.1" if address in ("0.0.0.0", "::") else address
        threading.Thread(target=_open_browser, args=(f"http://{host}:{port}",), daemon=True).start()
    bootstrap.run(str(Path(__file__).with_name("main.py")), False, [], given)


def _warm_up() -> None:
    """Load what the pages need while the browser opens, so that the first prediction is there soon."""
    with contextlib.suppress(PerospinError):
        from perospin.studies import Study

        Study.load("spin-relaxation").predictor().predict("(3AMP)PbI4")
        from perospin.database import curated_records

        curated_records()
        import plotly.graph_objects  # noqa: F401

        import perospin.spectra  # noqa: F401


def _check_free(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(
                f"can't listen at {address}, port {port}: {reason.lower()}; another app may run there: give another "
                "--port, such as 8502"
            ) from None


def _open_browser(url: str, patience_s: float = 30.0) -> None:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1.0):
                webbrowser.open(url)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
