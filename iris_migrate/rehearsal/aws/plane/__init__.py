"""The data plane: what API Gateway, function URLs and signed download addresses answer to the outside."""
