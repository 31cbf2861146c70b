"""The environment variable that hands a plan on; apart, as every Python that starts reads it."""

VARIABLE = "LRWATCH_RUN_PLAN"
NOBODYS = '"pid": 0'
