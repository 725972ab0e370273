"""The public kit for testing programs and passes by properties; `docs/testing.md` shows how. Import from its modules:

from optc.testing.strategies import tensors, types    # parts of programs
from optc.testing.programs import programs            # random well-typed programs
from optc.testing.pipelines import pipelines          # random pipelines of a catalog
from optc.testing.check_pass import check_pass        # the laws of a pass
from optc.testing.equivalence import assert_equivalent
from optc.testing.mutation import corruptions         # one fault, and what the verifier says of it
from optc.testing.reducer import reduce_program       # the smallest program that still fails
"""
