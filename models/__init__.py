"""Models of FastEmailNet: weights, what made them, and the code that runs them. Nothing here knows of Ray."""
