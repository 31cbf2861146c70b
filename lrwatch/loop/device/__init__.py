"""Numbers on their way from a device to the host: nobody waits for them."""
