"""iris-migrate: takes a Flask service off AWS Lambda to an EC2 host, keeps proving it, and takes the old side down."""
