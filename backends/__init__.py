"""The parts that compute units share: cost tables, costs, the expansion decision, lowering and the plan."""
