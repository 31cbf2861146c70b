"""How good a suggested rate is: regret of training at it, beside other tools' suggestions."""
