"""`vaultlink serve`, which scripts and plugins of earlier versions start."""

from typing import Annotated, ClassVar

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.options import OpenOptions, VaultArgument, option
from vaultlink.cli.terminal import Terminal


class ServeOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `serve`, none of which has an effect but `--quiet`."""

    hidden_fields: ClassVar[tuple[str, ...]] = ("background", "stop", "idle")

    folder: VaultArgument = None
    background: Annotated[bool, option("Do nothing.")] = False
    stop: Annotated[bool, option("Do nothing.")] = False
    idle: Annotated[float | None, option("Do nothing.", metavar="MINUTES")] = None


def serve(options: ServeOptions) -> int:
    """Do nothing: commands read the vault themselves.

    Earlier versions kept a vault in memory for other commands. The command and its options are
    still accepted, so that scripts and plugins that start it do not fail. Remove it from them.

    Output formats: none. Prints a message only.
    """
    Terminal(options).print_message(
        "serve does nothing any more: commands read the vault themselves. "
        "Remove this line from your scripts."
    )
    return EXIT_CLEAN
