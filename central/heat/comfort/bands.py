"""The four bands that the city shows WBGT in.

The thresholds are those of the Japanese Society of Biometeorology's guideline for daily life (version 4, 2022), which
the Ministry of the Environment uses on its heat-illness pages.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """One band of WBGT: from ``from_degc`` up to, and without, the next band's."""

    id: str
    name_ja: str
    name_en: str
    from_degc: float


BANDS = (
    Band("caution", "注意", "Caution", float("-inf")),
    Band("warning", "警戒", "Warning", 25.0),
    Band("severe_warning", "厳重警戒", "Severe warning", 28.0),
    Band("danger", "危険", "Danger", 31.0),
)


def band_of(wbgt_degc: float) -> Band:
    """The band a WBGT [degC] falls into.

    Raises:
        ValueError: the value is NaN: no band can be told, and the mildest would be the wrong guess.
    """
    if wbgt_degc != wbgt_degc:  # noqa: PLR0124 - the one value unequal to itself
        raise ValueError("wbgt_degc is NaN: no band")
    return next(band for band in reversed(BANDS) if wbgt_degc >= band.from_degc)
