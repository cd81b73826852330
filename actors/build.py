"""From settings to parts: what each process of the fleet is made of. No Ray here, so that tests build the same parts."""
