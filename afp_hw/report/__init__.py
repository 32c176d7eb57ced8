"""Pictures that explain a choice: each drawn from a JSON document that is saved beside it."""
