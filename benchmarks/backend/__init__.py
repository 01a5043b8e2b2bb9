"""The backend, measured beside bare floors."""
