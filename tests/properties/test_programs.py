"""Laws of random programs: the verifier accepts what the kit makes, text is an exact inverse, faults are found."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.parser import parse_program
from optc.ir.printer import print_program
from optc.ir.verifier import verify
from optc.ops.catalog import CATALOG
from optc.testing.mutation import Corruption, corruptions
from optc.testing.outputs import outputs_of
from optc.testing.programs import programs
from optc.testing.samplers.catalog import SAMPLERS


def at_least(examples: int) -> int:
    """`examples`, or what the profile wants if that is more."""
    assert settings.default is not None
    return max(examples, settings.default.max_examples)


@settings(max_examples=at_least(100), suppress_health_check=list(HealthCheck))
@given(programs())
def test_the_verifier_accepts_every_program_of_the_kit_and_it_runs(program: Program) -> None:
    verify(program, CATALOG)
    outputs = outputs_of(program, 0)
    assert set(program.main.output_names) <= set(outputs)


@settings(max_examples=at_least(500), suppress_health_check=list(HealthCheck))
@given(programs())
def test_parsing_what_was_printed_gives_the_program_again(program: Program) -> None:
    text = print_program(program)
    parsed = parse_program(text, CATALOG)
    assert parsed == program
    assert print_program(parsed) == text


@settings(max_examples=at_least(50), suppress_health_check=list(HealthCheck))
@given(programs())
def test_constants_kept_beside_the_text_come_back(program: Program) -> None:
    tensors: dict[str, object] = {}
    text = print_program(program, tensors)  # type: ignore[arg-type]  # filled with tensors
    assert parse_program(text, CATALOG, tensors) == program  # type: ignore[arg-type]  # as above


def refusal(corruption: Corruption) -> str:
    """The slug with which the verifier refuses a corrupted program; empty if it accepts it."""
    try:
        verify(corruption.program, CATALOG)
    except OptcError as error:
        return error.slug
    return ""


def harmless(corruption: Corruption) -> bool:
    """Whether a corrupted program that the verifier accepts is one that runs as its types say."""
    outputs_of(corruption.program, 0)
    return True


def test_at_least_95_percent_of_corruptions_are_refused_with_an_expected_slug_and_the_rest_are_harmless() -> None:
    refused: Counter[str] = Counter()
    accepted: Counter[str] = Counter()

    @settings(max_examples=at_least(300), suppress_health_check=list(HealthCheck), database=None)
    @given(programs(), st.data())
    def law(program: Program, data: st.DataObject) -> None:
        corruption = data.draw(corruptions(program))
        slug = refusal(corruption)
        if slug:
            assert not corruption.slugs or slug in corruption.slugs, f"{slug} for {corruption.what}"
            refused[slug] += 1
            return
        assert not corruption.slugs, f"accepted: {corruption.what}\n{corruption.program}"
        assert harmless(corruption)
        accepted[corruption.what.split(" of op")[0]] += 1

    law()
    total = sum(refused.values()) + sum(accepted.values())
    assert sum(refused.values()) >= 0.95 * total, f"accepted, all harmless: {dict(accepted)}"


def test_each_op_of_the_catalog_has_a_sampler() -> None:
    missing = {op.spec.name for op in CATALOG.values() if op not in SAMPLERS} - {"const", "opaque"}
    assert missing == set()


def test_samplers_make_ops_of_their_own_class() -> None:
    @settings(max_examples=at_least(20), suppress_health_check=list(HealthCheck))
    @given(programs(least=3))
    def law(program: Program) -> None:
        assert all(type(op) is CATALOG[op.name] for op in program.walk())

    law()
