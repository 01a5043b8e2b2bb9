"""The old side: Lambda, API Gateway, ECR around one function, and whether anything stands in the way of removing it."""

from iris_migrate.resources.old_side.inventory import Inventory
from iris_migrate.resources.old_side.leftovers import Leftovers
from iris_migrate.resources.old_side.obstacles import Alone

__all__ = ["Alone", "Inventory", "Leftovers"]
