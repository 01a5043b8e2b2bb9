"""Lambda functions and what is about them: gone, or there again; how long their logs are kept."""

from iris_migrate.resources.lambdas.functions import FunctionsAbsent, FunctionsThere
from iris_migrate.resources.lambdas.log_retention import LogRetention

__all__ = ["FunctionsAbsent", "FunctionsThere", "LogRetention"]
