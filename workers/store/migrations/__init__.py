"""The store's migrations. `workers.store.schema` applies them; `draft` writes new ones."""
