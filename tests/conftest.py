"""No test writes where the user's own files are."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAULTLINK_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield
