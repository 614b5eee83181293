"""The models as the project sees them: read without a network, and held together with code and templates.

``Models.load(folder)`` reads a folder of BPMN, DMN and forms; ``Models.check(...)`` is the contract suite.
"""

from workers.engine.models.contracts import TaskContract, contracts_of
from workers.engine.models.findings import RULES, Finding
from workers.engine.models.library import Models

__all__ = ["RULES", "Finding", "Models", "TaskContract", "contracts_of"]
