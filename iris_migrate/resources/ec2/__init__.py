"""EC2: the key pair, the image, who may connect, the instance, its address and its host keys."""

from __future__ import annotations

from iris_migrate.resources.ec2.console import ConsoleFingerprints
from iris_migrate.resources.ec2.elastic_ip import ElasticIp
from iris_migrate.resources.ec2.image import Image
from iris_migrate.resources.ec2.instance import Instance
from iris_migrate.resources.ec2.key_pair import KeyPair
from iris_migrate.resources.ec2.security_group import SecurityGroup

__all__ = ["ConsoleFingerprints", "ElasticIp", "Image", "Instance", "KeyPair", "SecurityGroup"]
