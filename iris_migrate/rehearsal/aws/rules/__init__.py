"""What the real services refuse, remember or answer and moto does not; one service a file."""
