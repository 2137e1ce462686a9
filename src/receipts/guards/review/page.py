"""One self-contained HTML page of headings, lists, tables and pictures: runs are reviewed and data looked at on it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2
import numpy as np

from receipts.data import twins

Array = np.ndarray[Any, Any]

WIDTH = 112  # pixels that a picture is shown at


@dataclass(frozen=True)
class Card:
    """One sample: what it is, lines of facts, and a picture where there is one (a data URI)."""

    title: str
    lines: list[str]
    picture: str | None = None


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, items with a word before each (`pass`, `look`, …), samples, a table."""

    title: str
    text: str = ""
    items: list[tuple[str, str]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def html(title: str, sections: Sequence[Section]) -> str:
    """The page."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE).render(title=title, sections=sections, width=WIDTH)


def picture(sample: Array) -> str | None:
    """A sample as a PNG in a data URI, stretched over its own range; None where it is no image."""
    from matplotlib.image import imsave

    axes = twins.grid(sample.shape)
    if axes is None:
        return None
    image = np.moveaxis(np.asarray(sample, dtype=np.float64), axes, (-2, -1))
    image = image.reshape(-1, *image.shape[-2:])
    low, high = float(image.min()), float(image.max())
    image = (image - low) / (high - low) if high > low else np.zeros_like(image)
    pixels = np.moveaxis(image[:3], 0, -1) if len(image) == 3 else image[0]
    out = io.BytesIO()
    imsave(out, pixels, cmap="gray", vmin=0, vmax=1, format="png")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def told(sample: Any) -> str:
    """Shape, type and range of a sample or of several."""
    if isinstance(sample, dict):
        return "; ".join(f"{name} {told(part)}" for name, part in sample.items())
    array = np.asarray(sample)
    if array.dtype.kind not in "biuf" or not array.size:
        return f"{array.shape} {array.dtype}"
    low, high, mean = (float(value) for value in (array.min(), array.max(), array.mean()))
    return f"{array.shape} {array.dtype}, {low:.4g} to {high:.4g}, mean {mean:.4g}"


TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
ul { list-style: none; padding: 0; } li { padding: .15rem 0; display: flex; gap: .8rem; }
.word { flex: 0 0 8.5rem; font-weight: 600; color: #555; }
.fail, .look { color: #a3260b; } .pass, .seen { color: #256029; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; }
.card { border: 1px solid #ddd; border-radius: 6px; padding: .7rem; width: 15rem; }
.card img { width: {{ width }}px; image-rendering: pixelated; background: #eee; display: block; margin-bottom: .4rem; }
.card p { margin: 0; font-size: .85rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
td, th { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #e5e5e5; }
</style></head><body><h1>{{ title }}</h1>
{% for section in sections %}
<section><h2>{{ section.title }}</h2>
{% if section.text %}<p>{{ section.text }}</p>{% endif %}
{% if section["items"] %}<ul>
{% for word, text in section["items"] %}
<li><span class="word {{ word }}">{{ word }}</span><span>{{ text }}</span></li>
{% endfor %}
</ul>{% endif %}
{% if section.cards %}<div class="cards">
{% for card in section.cards %}
<div class="card">
{% if card.picture %}<img src="{{ card.picture }}" alt="{{ card.title }}">{% endif %}
<strong>{{ card.title }}</strong>
{% for line in card.lines %}<p>{{ line }}</p>{% endfor %}</div>
{% endfor %}
</div>{% endif %}
{% if section.rows %}<table><tr>{% for name in section.head %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in section.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}
</table>{% endif %}
</section>
{% endfor %}
</body></html>
"""
