"""Requests: commands to devices. Asked by a person or by the gap filler, sent, answered, and audited step by step.

The way of a request: `RequestLedger.add` writes it (API and command do no more), `Requests.step` takes it up,
`Desk` decides what is due, the ledger has each step before it is acted upon, and `Requests.heard` brings the answers.
"""
