"""Lambda functions and what is about them: off, gone, or there again; how long their logs are kept."""

from iris_migrate.resources.lambdas.concurrency import ConcurrencyBack, ConcurrencyZero
from iris_migrate.resources.lambdas.functions import FunctionsAbsent, FunctionsThere
from iris_migrate.resources.lambdas.log_groups import LogGroupsThere
from iris_migrate.resources.lambdas.log_retention import LogRetention

__all__ = ["ConcurrencyBack", "ConcurrencyZero", "FunctionsAbsent", "FunctionsThere", "LogGroupsThere", "LogRetention"]
