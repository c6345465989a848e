"""The Adam paper, re-examined: its claims as rules that were fixed before the runs, and verdicts.

Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv 1412.6980v9, section 6.
Training is the rest of the suite's; here are the rules (``docs/paper/rules.toml``), the published
curves, and the way from costs to verdicts.
"""
