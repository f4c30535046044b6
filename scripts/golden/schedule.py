#!/usr/bin/env python3
"""Learning-rate multipliers of transformers' get_scheduler, for ScheduleTests.

  scripts/golden/schedule.py > Tests/Golden/schedule/multipliers.txt

One line a case: scheduler, total steps, warm-up ratio, warm-up steps, then the multiplier of every step.
Needs torch and transformers."""
import math

import torch
from transformers import get_scheduler

NAMES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}

for name, theirs in NAMES.items():
    for total, ratio in [(1, 0.0), (1, 0.03), (7, 0.0), (20, 0.03), (20, 0.25), (33, 0.1), (10, 1.0)]:
        warmup = math.ceil(total * ratio)
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = get_scheduler(theirs, optimizer, num_warmup_steps=warmup, num_training_steps=total)
        rates = []
        for _ in range(total):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        print(name, total, ratio, warmup, *map(repr, rates))
