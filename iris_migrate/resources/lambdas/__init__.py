"""Lambda functions and what is about them: gone, or there again."""

from iris_migrate.resources.lambdas.functions import FunctionsAbsent, FunctionsThere

__all__ = ["FunctionsAbsent", "FunctionsThere"]
