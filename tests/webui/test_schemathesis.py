"""The whole description of the API is tried out: no answer is other than described, none is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import webui
from tests.fixtures.archives import MANY, archive
from tests.fixtures.serving import serving

# Of each address, in each phase; about a thousand requests, a quarter of a minute.
EXAMPLES = int(os.environ.get("EXAMPLES", "20"))
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_schemathesis_finds_nothing_with_all_its_checks(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    with serving(webui.create_app(archive(*MANY))) as address:
        done = subprocess.run(
            [
                program,
                "run",
                f"{address}api/openapi.json",
                "--checks=all",
                # How busy this machine is says nothing of the answers.
                "--request-timeout=300",
                "--suppress-health-check=too_slow",
                f"--max-examples={EXAMPLES}",
                "--generation-deterministic",
                "--no-color",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.webui.schemathesis_rules",
                "PYTHONPATH": str(ROOT),
            },
        )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert "8/8" in done.stdout
