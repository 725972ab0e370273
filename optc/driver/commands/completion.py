"""`optc completion`."""

import click

from optc.driver.verbosity import say

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print what makes SHELL complete command lines of optc: commands, options, devices, passes, schemes, weights.

    \b
    optc completion bash > ~/.local/share/bash-completion/completions/optc
    optc completion zsh > ~/.zfunc/_optc
    optc completion fish > ~/.config/fish/completions/optc.fish

    The folder for zsh must stand in fpath: add fpath+=~/.zfunc to ~/.zshrc, before compinit. To try it in bash
    without a file:

    \b
    eval "$(optc completion bash)"
    """
    from optc.driver.main import COMPLETE, cli
    from optc.driver.shells import SHELLS

    made = SHELLS[shell](cli, {}, "optc", COMPLETE)
    say((made.source_template % made.source_vars()).strip())
