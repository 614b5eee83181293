"""The operator's billing and ledger, behind two ports: embedded tables, or HTTP."""
