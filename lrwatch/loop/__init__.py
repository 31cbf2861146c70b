"""Everything that hooks a training loop: what it trains by is read here, and nothing else is."""
