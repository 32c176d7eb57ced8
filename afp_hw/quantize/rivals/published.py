"""The rivals of the paper's ImageNet table: what is measured here, and what can only be quoted.

ImageNet and its networks are not part of this project. A method that needs no retraining is rebuilt
and measured on the model at hand; one that retrains appears with what its authors published. A
figure stands here only where a text that has it could be read, and that text is named: mostly an
abstract. Where only the existence of a table is known, the row says that its figure is not quoted.
Which publication stands behind a short name of that table (ADMM, Focused Compression) is our
reading.
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
            return f"published: not quoted, its source could not be checked here ({self.source})"
        return f"published: {self.figure} ({self.source})"


PAPER_TABLE: Final = (
    PublishedRow(
        "AFP",
        False,
        "AFP, paper rule",
        "ImageNet top-1 of ResNet-50 -0.04 (dynamic) and -0.13 (static) points at 4.8 bits, -0.86 "
        "and -1.02 at 3.9 bits; MobileNet-v2 -0.3 to -0.6 at 5.7 bits",
        "Liu et al., ICCV 2021, DOI 10.1109/ICCV48922.2021.00523; its abstract has the 0.04 and "
        "0.6, the rest is from the project's design notes",
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
        "ImageNet accuracy of AlexNet, VGG-16, GoogleNet and ResNets with 5-bit weights better "
        "than float32; figures not quoted, its table could not be checked here",
        "abstract of Zhou et al., ICLR 2017, arXiv:1702.03044",
    ),
    PublishedRow(
        "UNIQ",
        True,
        "k-quantile (UNIQ's)",
        "no degradation of MobileNet and ResNet-18/34/50 on ImageNet with 4-bit weights",
        "abstract of the version of 2018 of Baskin et al., arXiv:1804.10969; not in the last one",
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
        "cited by Liu et al., ICCV 2021, DOI 10.1109/ICCV48922.2021.00523; several methods have "
        "this name",
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
"""One row a method: AFP, post-training, retrained, then two that the paper's table lacks."""
