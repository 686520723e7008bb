"""The command line: one module a family of verbs, their options, progress and summaries on a terminal.

Nothing is computed here: each command parses, calls the public function of its name and prints; no other
room imports this one.
"""
