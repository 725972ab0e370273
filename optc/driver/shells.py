"""What shells run to complete command lines: their scripts, and what click answers them.

click's own scripts lose what is behind a comma (fish), the option of `--option=value` (zsh, fish) and what bash takes
for the end of a word, such as `=` and `@`. These give the whole line up to the cursor, and Python splits it.
"""

import os

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete, add_completion_class
from click.shell_completion import split_arg_string as split

_BASH = r"""
%(complete_func)s() {
    local IFS=$'\n' completion kind value
    local line=${COMP_LINE:0:COMP_POINT}
    local word=${line##*[[:space:]]}
    local kept=${word%%"$2"}  # the part of the word that bash leaves as it is: it breaks words at = : @ and others
    for completion in $(env COMP_WORDS="$line" %(complete_var)s=bash_complete "$1"); do
        kind=${completion%%%%,*} value=${completion#*,}
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("${value#"$kept"}")
                [[ $value != *[=\(,] ]] || compopt -o nospace ;;
        esac
    done
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = r"""
#compdef %(prog_name)s

%(complete_func)s() {
    local -a whole begun described response
    local kind value help option
    (( $+commands[%(prog_name)s] )) || return 1
    response=("${(@f)$(env COMP_WORDS="${words[1,CURRENT]}" %(complete_var)s=zsh_complete %(prog_name)s)}")
    [[ $PREFIX == --*=* ]] && option=${PREFIX%%%%=*}=
    compset -P '--*='
    for kind value help in $response; do
        case $kind in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $help != _ ]]; then described+=("$value:$help")
                elif [[ $value == *[=\(,] ]]; then begun+=("$option$value")
                else whole+=("$option$value")
                fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#whole )) && compadd -U -V unsorted -a whole
    (( $#begun )) && compadd -U -V unsorted -S '' -a begun
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""
function %(complete_func)s
    set -l option (string match --regex -- '^--[^=]+=' (commandline -t))
    set -l line (commandline -cp | string collect)
    for completion in (env COMP_WORDS="$line" %(complete_var)s=fish_complete %(prog_name)s)
        set -l parts (string split --max 1 , -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2] | string replace --regex -- '^' "$option"
            case file
                __fish_complete_path $parts[2] | string replace --regex -- '^' "$option"
            case plain
                printf '%%s\n' "$option$parts[2]"
        end
    end
end

complete --no-files --keep-order --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _WholeLine(ShellComplete):
    """A shell that gives the line up to the cursor."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the last one, without the name of the program, and the last one as far as it is typed."""
        *words, last = split(os.environ["COMP_WORDS"] + "x")  # where the line ends with a space, a word of its own
        return words[1:], last[:-1]


class Bash(_WholeLine, BashComplete):
    """Completion in bash, from 4.4 on."""

    source_template = _BASH


class Zsh(_WholeLine, ZshComplete):
    """Completion in zsh."""

    source_template = _ZSH


class Fish(_WholeLine, FishComplete):
    """Completion in fish, from 3.1 on."""

    source_template = _FISH


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def answer_in_our_way() -> None:
    """Have click answer these scripts."""
    for kind in SHELLS.values():
        add_completion_class(kind)
