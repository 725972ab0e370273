"""What a processor cannot run: nothing, as every other unit's ops fall back to it."""

from backends.rule import Rule

RULES: tuple[Rule, ...] = ()
