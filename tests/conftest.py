"""What every test gets: a data folder of its own, so that no test reads or writes the machine's."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("MAGI_DATA_DIR", str(folder))
    return folder
