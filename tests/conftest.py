"""What all tests share: the Hypothesis profiles, the real models outside the repository, the option of golden tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Deadlines and the too-slow check time the machine, not the code, so both are off in every profile.
_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _ANY_MACHINE, max_examples=30)
settings.register_profile("ci", _ANY_MACHINE, max_examples=60, derandomize=True, print_blob=True)
settings.register_profile("nightly", _ANY_MACHINE, max_examples=10_000, print_blob=True)
settings.load_profile(os.environ.get("OPTC_PROFILE", "dev"))

MODELS = Path(os.environ.get("OPTC_MODELS") or Path(__file__).parents[2] / "shared" / "models").resolve()


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real models, or a skip where this machine has none."""
    if not MODELS.is_dir():
        pytest.skip(f"no real models at {MODELS}; OPTC_MODELS says where they are")
    return MODELS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write what the commands say now into tests/golden, tests/invalid"
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew instead of compared."""
    return bool(request.config.getoption("--update-golden"))
