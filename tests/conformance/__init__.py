"""What every optimizer must be, parametrised over the table: a new row is tested by being listed.

test_checks       the checks that anyone can run, on every row
test_parity       in lock-step with references.py and with torch.optim
test_planted      the same comparison, on faults planted in our own rules
test_stacks       K trials in one tensor against K optimizers
test_execution    every way of executing against the loop
test_properties   what holds for any shapes and gradients
test_lightning    automatic and manual optimization
test_distributed  two processes, slow
test_errors       what is refused
test_faults       the checks themselves, on planted faults
"""
