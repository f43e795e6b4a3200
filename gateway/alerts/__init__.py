"""Alerts: from findings to what people are told, and the ledger that remembers it. `docs/alerts.md` has the whole."""
