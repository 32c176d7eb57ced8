"""What loses less in given formats and costs no hardware: no labels, no retraining."""

from afp_hw.search.tuning.equalize import equalize
from afp_hw.search.tuning.tune import Steps, correct_bias, tune

__all__ = ["Steps", "correct_bias", "equalize", "tune"]
