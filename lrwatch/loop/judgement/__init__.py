"""From samples to alerts: steps are judged in order, and what was found is told."""
