"""The page: all results of one or more studies in a single HTML file that needs no network.

Numbers come from `benchmark.analysis`. `payload`, and one module per section of the page, collect
them, and `page` writes them into one file with the scripts of ``assets/page``. The scripts draw and
select; they compute no statistics.
"""
