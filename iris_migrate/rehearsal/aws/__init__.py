"""The practice AWS: moto's server behind a strict layer of our own, on one loopback port."""
