"""The production machines, each with one rule taken out."""
