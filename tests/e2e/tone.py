"""Tones as voices: everyone says one frequency, so that a spectrum tells who is heard.

The frequencies are no harmonics of each other, and far enough apart for 100 ms of sound to tell them.
"""

from __future__ import annotations

import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 48_000

TONES: Final[Mapping[str, int]] = {"alice": 440, "bob": 620, "carol": 850, "dave": 1150, "erin": 1490}
"""Frequency in Hz of each person who speaks in these tests."""

AUDIBLE_DBFS: Final = -50.0
"""A peak below this is not heard. The tones arrive at -11 dBFS by this module's measure, at -24 by an AnalyserNode's;
Firefox's own fake microphone plays 10 dB below them."""

MIXTURE_DB: Final = 20.0
"""Two peaks that differ by less than this are two tones, not one tone and its distortion."""

TOLERANCE_HZ: Final = 15.0

MIXED: Final = -1
"""What `name_tone` says of several tones at once."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak of a spectrum: frequency in Hz, level in dBFS (a full-scale sine is 0)."""

    frequency: float
    level: float


def sine(frequency: float, seconds: float, amplitude: float = 0.3) -> NDArray[np.int16]:
    """Mono samples at 48 kHz."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(np.sin(2 * np.pi * frequency * time) * amplitude * 32767, dtype=np.int16)


def write_wave(path: Path, frequency: int, amplitude: float = 0.3) -> Path:
    """A file for a fake microphone. One second, so that a whole frequency has no seam where the file starts anew."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(sine(frequency, 1.0, amplitude).tobytes())
    return path


def peaks(samples: NDArray[np.float64], rate: int = SAMPLE_RATE) -> list[Peak]:
    """The peaks of a stretch of sound, loudest first.

    Args:
        samples: mono, -1 … 1; 50 ms or more.
        rate: samples a second.
    """
    if len(samples) < rate // 20:
        return []
    window = np.hanning(len(samples))
    spectrum = np.abs(np.fft.rfft(samples * window)) * 2 / window.sum()
    level = 20 * np.log10(np.maximum(spectrum, 1e-9))
    inner = level[1:-1]
    tops = np.flatnonzero((inner > level[:-2]) & (inner >= level[2:]) & (inner > AUDIBLE_DBFS)) + 1
    found = [Peak(_interpolate(level, int(top)) * rate / len(samples), float(level[top])) for top in tops]
    return sorted(found, key=lambda peak: -peak.level)


def _interpolate(level: NDArray[np.float64], top: int) -> float:
    """The bin of a peak, between whole bins: the vertex of the parabola through three of them."""
    before, at, after = level[top - 1 : top + 2]
    return float(top + 0.5 * (before - after) / (before - 2 * at + after))


def name_tone(found: Sequence[Peak]) -> int | None:
    """Which tone this is: its frequency in Hz as in `TONES`, `MIXED` for several, None for silence.

    A frequency that nobody plays is given as it is, rounded.
    """
    if not found or found[0].level < AUDIBLE_DBFS:
        return None
    loud = [peak for peak in found if peak.level > found[0].level - MIXTURE_DB]
    nearest = min(TONES.values(), key=lambda tone: abs(tone - found[0].frequency))
    if any(abs(peak.frequency - found[0].frequency) > 2 * TOLERANCE_HZ for peak in loud):
        return MIXED
    return nearest if abs(nearest - found[0].frequency) <= TOLERANCE_HZ else round(found[0].frequency)
