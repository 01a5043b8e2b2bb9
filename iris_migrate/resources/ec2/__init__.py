"""EC2: the key pair, the image, who may connect, the instance and its address."""

from __future__ import annotations

from iris_migrate.resources.ec2.elastic_ip import ElasticIp
from iris_migrate.resources.ec2.instance import Instance
from iris_migrate.resources.ec2.key_pair import KeyPair

__all__ = ["ElasticIp", "Instance", "KeyPair"]
