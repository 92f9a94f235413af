# SPDX-License-Identifier: Apache-2.0
"""The picture of one arrest's way, drawn once for each shape and language into `static/picture/`.

Run `python -m openpars.web.pages.picture` after a change; a test holds the files to this drawing.
Plain SVG: no script, no style, no font of its own, so that it also stands in a README or on paper.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path
from xml.sax.saxutils import escape

INK, NAVY, BLUE, GOLD, QUIET, LINE, PAPER = (
    "#1b1b1b", "#162e51", "#1a4480", "#ffbe2e", "#565c65", "#a9aeb1", "#f7f9fb",
)  # fmt: skip
FONT = "Public Sans, Helvetica Neue, Helvetica, Arial, sans-serif"

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "title": ("One arrest's way",),
        "record": ("THE CITY'S RECORD",),
        "police": ("1  Police", "book the arrest"),
        "da": ("2  District Attorney", "decides each charge"),
        "court": ("3  Courts", "arraign, set bail"),
        "inside": ("Never leave", "victims, witnesses,", "juveniles, sealed files"),
        "granted": ("only what", "is granted"),
        "agreement": (
            "Agreement",
            "2 of 3 owners voted yes;",
            "names purposes, fields,",
            "keys, and its end",
        ),
        "share": ("4  The share", "a table for one agency;", "what is not granted", "is not there"),
        "door": ("5  The door", "checks the agreement,", "writes the log,", "and only then answers"),
        "agency": ("6  The agency", "an answer or an alert,", "each with a receipt"),
        "log": ("Public log", "anyone can check it"),
        "end": ("At the agreement's last second", "the share and the login that could read it are gone."),
    },
    "es": {
        "title": ("El camino de un arresto",),
        "record": ("EL EXPEDIENTE DE LA CIUDAD",),
        "police": ("1  Policía", "registra el arresto"),
        "da": ("2  Fiscalía", "decide cada cargo"),
        "court": ("3  Tribunales", "comparecencia, fianza"),
        "inside": ("Nunca salen", "víctimas, testigos,", "menores, lo sellado"),
        "granted": ("solo lo", "concedido"),
        "agreement": ("Acuerdo", "2 de 3 dueños votaron sí;", "nombra fines, datos,", "claves y su final"),
        "share": ("4  La parte", "tabla para una agencia;", "lo no concedido", "no está ahí"),
        "door": ("5  La puerta", "comprueba el acuerdo,", "escribe el registro", "y solo entonces responde"),
        "agency": ("6  La agencia", "respuesta o aviso,", "cada uno con recibo"),
        "log": ("Registro público", "cualquiera lo comprueba"),
        "end": ("En el último segundo del acuerdo", "desaparecen la parte y la clave que la leía."),
    },
}


def _text(x: float, y: float, lines: tuple[str, ...], *, ink: str = INK, anchor: str = "start") -> str:
    """Lines of text; the first is bold."""
    out = []
    for number, line in enumerate(lines):
        look = 'font-size="18" font-weight="700"' if number == 0 else 'font-size="16"'
        place = f'x="{x:g}" y="{y + number * 22:g}" text-anchor="{anchor}"'
        out.append(f'<text {place} {look} fill="{ink}">{escape(line)}</text>')
    return "".join(out)


def _box(
    x: float,
    y: float,
    size: tuple[float, float],
    lines: tuple[str, ...],
    *,
    fill: str = "#fff",
    edge: str = BLUE,
    ink: str = INK,
    dashed: bool = False,
) -> str:
    """A box with its words."""
    width, height = size
    dash = ' stroke-dasharray="6 5"' if dashed else ""
    frame = (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" fill="{fill}" '
        f'stroke="{edge}" stroke-width="2"{dash}/>'
    )
    top = y + (height - 22 * (len(lines) - 1)) / 2 + 6
    return frame + _text(x + 16, top, lines, ink=ink)


def _panel(place: tuple[int, int, int, int], at: tuple[int, int], title: str) -> str:
    """The frame around the city's own record."""
    x, y, width, height = place
    frame = (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="12" fill="{PAPER}" '
        f'stroke="{LINE}" stroke-width="2"/>'
    )
    look = f'font-size="15" font-weight="700" letter-spacing="1.5" fill="{QUIET}"'
    return f'{frame}<text x="{at[0]}" y="{at[1]}" {look}>{escape(title)}</text>'


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A straight arrow, level or upright."""
    (x1, y1), (x2, y2) = start, end
    if y1 == y2:
        head = f"{x2:g},{y2:g} {x2 - 12:g},{y2 - 7:g} {x2 - 12:g},{y2 + 7:g}"
        x2 -= 10
    else:
        head = f"{x2:g},{y2:g} {x2 - 7:g},{y2 - 12:g} {x2 + 7:g},{y2 - 12:g}"
        y2 -= 10
    line = f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{NAVY}" stroke-width="3" fill="none"/>'
    return f'{line}<polygon points="{head}" fill="{NAVY}"/>'


def _end(x: float, y: float, lines: tuple[str, ...]) -> str:
    bar = f'<rect x="{x:g}" y="{y:g}" width="6" height="{22 * len(lines) + 14:g}" fill="{GOLD}"/>'
    return bar + _text(x + 20, y + 23, lines)


def wide(words: dict[str, tuple[str, ...]]) -> str:
    """Left to right, for a desk screen, a README, a sheet of paper."""
    parts = [
        _panel((10, 10, 1180, 178), (34, 44), words["record"][0]),
        _box(34, 62, (230, 104), words["police"]),
        _arrow((264, 114), (318, 114)),
        _box(320, 62, (230, 104), words["da"]),
        _arrow((550, 114), (604, 114)),
        _box(606, 62, (250, 104), words["court"]),
        _box(926, 62, (240, 104), words["inside"], edge=QUIET, fill="none", ink=QUIET, dashed=True),
        _arrow((435, 188), (435, 268)),
        _text(452, 222, words["granted"], ink=NAVY),
        _box(10, 272, (240, 128), words["agreement"], edge="#947100", fill="#fff7e0"),
        _arrow((250, 336), (316, 336)),
        _box(320, 272, (230, 128), words["share"]),
        _arrow((550, 336), (602, 336)),
        _box(606, 272, (250, 128), words["door"], fill=NAVY, edge=NAVY, ink="#fff"),
        _arrow((856, 336), (922, 336)),
        _box(926, 272, (264, 128), words["agency"]),
        _arrow((731, 400), (731, 448)),
        _box(606, 452, (250, 70), words["log"], edge="#216e1f", fill="#ecf3ec"),
        _end(10, 456, words["end"]),
    ]
    return _svg(1200, 534, words, parts)


def tall(words: dict[str, tuple[str, ...]]) -> str:
    """Top to bottom, for a phone."""
    parts = [
        _panel((8, 8, 384, 404), (28, 40), words["record"][0]),
        _box(28, 56, (344, 66), words["police"]),
        _arrow((80, 122), (80, 142)),
        _box(28, 144, (344, 66), words["da"]),
        _arrow((80, 210), (80, 230)),
        _box(28, 232, (344, 66), words["court"]),
        _box(28, 316, (344, 80), words["inside"], edge=QUIET, fill="none", ink=QUIET, dashed=True),
        _arrow((270, 412), (270, 588)),
        _box(8, 436, (244, 112), words["agreement"], edge="#947100", fill="#fff7e0"),
        _arrow((130, 548), (130, 588)),
        _text(284, 474, words["granted"], ink=NAVY),
        _box(8, 592, (384, 104), words["share"]),
        _arrow((200, 696), (200, 726)),
        _box(8, 730, (384, 112), words["door"], fill=NAVY, edge=NAVY, ink="#fff"),
        _arrow((90, 842), (90, 874)),
        _arrow((308, 842), (308, 874)),
        _box(8, 878, (204, 112), _break(words["log"], 2), edge="#216e1f", fill="#ecf3ec"),
        _box(224, 878, (168, 112), _break(words["agency"], 3)),
        _end(8, 1012, _break(words["end"], 2)),
    ]
    return _svg(400, 1110, words, parts)


def _break(lines: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The words under the first line in so many lines, the longest as short as can be: a phone is narrow."""
    words = " ".join(lines[1:]).split()
    cuts = combinations(range(1, len(words)), count - 1)
    ways = ([" ".join(words[i:j]) for i, j in pairwise((0, *cut, len(words)))] for cut in cuts)
    return (lines[0], *min(ways, key=lambda way: max(map(len, way))))


def _svg(width: int, height: int, words: dict[str, tuple[str, ...]], parts: list[str]) -> str:
    body = "\n".join(part for part in parts if part)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="{FONT}">\n<title>{escape(words["title"][0])}</title>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def drawings() -> dict[str, str]:
    """Every file of `static/picture/` by its name."""
    shapes = {"wide": wide, "tall": tall}
    return {
        f"arrest-way.{shape}.{lang}.svg": draw(words)
        for lang, words in WORDS.items()
        for shape, draw in shapes.items()
    }


def write(folder: Path) -> None:
    """Draw all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawings().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent.parent / "static" / "picture")
