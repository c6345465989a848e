"""The page: everything a study says in one HTML file that opens anywhere, without a network.

Numbers come from `benchmark.analysis`; here they become a payload (`payload` and the files it
names, one per section), and `page` puts it into one file with the scripts of ``assets/page``. The
scripts draw and choose, they compute no statistics.
"""
