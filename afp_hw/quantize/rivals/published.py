"""The rivals of the paper's ImageNet table: what is measured here, and what can only be quoted.

ImageNet and its networks are not part of this project. A method that needs no retraining is rebuilt
and measured on the model at hand; one that retrains appears with what its authors published. A
figure stands here only where its text was read: the abstract, or the table, that is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PublishedRow:
    """One method.

    Attributes
    ----------
    method
        Name.
    retrains
        Whether the method, as published, retrains the network.
    rebuilt
        Name of the quantizer of this project that stands for it, or None.
    figure
        What was published, in words with its numbers; None: see :attr:`text`.
    source
        Where `figure` was read, and the paper.
    """

    method: str
    retrains: bool
    rebuilt: str | None
    figure: str | None
    source: str

    @property
    def text(self) -> str:
        """The published figure, or that there is none here."""
        if self.figure is None:
            return f"published: figure not reproduced in this project, see {self.source}"
        return f"published: {self.figure} ({self.source})"


PAPER_TABLE: Final = (
    PublishedRow(
        "AFP",
        False,
        "AFP, paper rule",
        "ImageNet top-1 of ResNet-50 -0.04 (dynamic) and -0.13 (static) points at 4.8 bits, -0.86 "
        "and -1.02 at 3.9 bits; MobileNet-v2 -0.3 to -0.6 at 5.7 bits",
        "Liu et al., ICCV 2021, DOI 10.1109/ICCV48922.2021.00523",
    ),
    PublishedRow(
        "V-Q",
        False,
        "value-aware (V-Q, 1 % in 16 bits)",
        "ImageNet top-1 within 1 point with 4-bit weights and activations and 1 % of 16-bit data "
        "(Inception-v3, ResNet-101, DenseNet-121)",
        "abstract of Park et al., ECCV 2018, DOI 10.1007/978-3-030-01225-0_36",
    ),
    PublishedRow(
        "BiScaled-FxP",
        False,
        "two-scale fixed point (BiScaled-FxP)",
        None,
        "Jain et al., DAC 2019, DOI 10.1145/3316781.3317783",
    ),
    PublishedRow(
        "INQ",
        True,
        "powers of two (INQ's set)",
        "ImageNet top-1 error at 5-bit weights against float32: ResNet-18 31.02 (31.73), ResNet-50 "
        "25.19 (26.78) per cent",
        "Zhou et al., ICLR 2017, arXiv:1702.03044, table of results as public summaries copy it",
    ),
    PublishedRow(
        "UNIQ",
        True,
        "k-quantile (UNIQ's)",
        "no degradation of MobileNet and ResNet-18/34/50 on ImageNet with 4-bit weights",
        "abstract of an earlier version of Baskin et al., arXiv:1804.10969",
    ),
    PublishedRow(
        "Focused Compression",
        True,
        None,
        "ResNet-50 18.08 times smaller with 0.24 points less ImageNet top-5 (after pruning)",
        "abstract of Zhao et al., NeurIPS 2019, arXiv:1903.03046",
    ),
    PublishedRow(
        "ADMM",
        True,
        None,
        None,
        "Leng et al., AAAI 2018, arXiv:1707.09870",
    ),
    PublishedRow(
        "APT",
        True,
        None,
        None,
        "the paper, Liu et al., ICCV 2021, DOI 10.1109/ICCV48922.2021.00523, which cites it "
        "(several methods have this name)",
    ),
    PublishedRow(
        "APoT (not in the paper's table)",
        True,
        "additive powers of two (APoT)",
        "ImageNet top-1 of ResNet-50 with 4 bits: 76.6 per cent",
        "abstract of Li et al., ICLR 2020, arXiv:1909.13144",
    ),
    PublishedRow(
        "AdaptivFloat (not in the paper's table)",
        False,
        "AdaptivFloat, searched split",
        "0.9 times the energy and 1.14 times the area of integers of equal width",
        "abstract of Tambe et al., arXiv:1909.13271",
    ),
)
"""One row a method, in the order: post-training first, then retrained, then ours."""
