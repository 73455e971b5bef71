"""Makes the sample documents of lesson 07 from the texts in sources/: the same bytes each time.

    python -m pip install reportlab==5.1.0 pyphen==0.18.1 python-docx==1.2.0   # and requirements.txt
    python data/documents/make_documents.py

The Korean handbook needs the Nanum fonts (Debian's fonts-nanum; SIL Open Font License 1.1, which allows
embedding): give their folder as an argument if it is not /usr/share/fonts/truetype/nanum.
"""

import datetime
import io
import re
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
FONTS = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("/usr/share/fonts/truetype/nanum")
WHEN = datetime.datetime.fromisoformat("2026-03-02")  # in every file: today would change the bytes


def parts(name: str) -> tuple[dict[str, str], list[list[str]]]:
    """A handbook's settings and its pages, each a list of lines."""
    head, _, body = (HERE / "sources" / name).read_text(encoding="utf-8").partition("\n\n")
    settings = dict(line.split(": ", 1) for line in head.splitlines())
    return settings, [[line for line in page.splitlines() if line] for page in body.split("\n=\n")]


# ----------------------------------------------------------------------------- the handbooks (PDF)


def styles(korean: bool) -> dict:
    from reportlab.lib.enums import TA_JUSTIFY, TA_LEFT
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    body, bold = ("Nanum", "NanumBold") if korean else ("Times-Roman", "Helvetica-Bold")
    if korean:
        pdfmetrics.registerFont(TTFont("Nanum", FONTS / "NanumMyeongjo.ttf"))
        pdfmetrics.registerFont(TTFont("NanumBold", FONTS / "NanumGothicBold.ttf"))
    text = ParagraphStyle(
        "text",
        fontName=body,
        fontSize=10,
        leading=14.2,
        spaceAfter=6,
        alignment=TA_LEFT if korean else TA_JUSTIFY,
    )
    if not korean:
        text.hyphenationLang, text.hyphenationMinWordLength = "en_GB", 6
    return {
        "text": text,
        "cell": ParagraphStyle("cell", text, alignment=TA_LEFT, fontSize=9, leading=11.5, spaceAfter=0),
        "item": ParagraphStyle("item", text, leftIndent=12, bulletIndent=2, spaceAfter=3),
        "note": ParagraphStyle("note", text, fontSize=8, leading=10, spaceAfter=1),
        "title": ParagraphStyle(
            "title", text, fontName=bold, fontSize=24, leading=30, spaceAfter=6, alignment=TA_LEFT
        ),
        "#": ParagraphStyle(
            "h1", text, fontName=bold, fontSize=16, leading=21, spaceAfter=6, alignment=TA_LEFT
        ),
        "##": ParagraphStyle(
            "h2", text, fontName=bold, fontSize=12, leading=16, spaceBefore=5, alignment=TA_LEFT
        ),
        "fonts": (body, bold),
    }


def make_handbook(source: str, target: str) -> None:
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Frame, Paragraph

    korean = "_ko" in source
    settings, pages = parts(source)
    style = styles(korean)
    canvas = Canvas(str(HERE / target), pagesize=A5, invariant=1, lang="ko" if korean else "en-GB")
    canvas.setTitle(settings["title"])
    canvas.setAuthor("Embeddings workbook")
    width, height = A5
    left = []  # what did not fit goes on on the next page
    for number, lines in enumerate(pages, start=1):
        notes = [Paragraph(marked(line), style["note"]) for line in lines if line.startswith("{")]
        lines = [line for line in lines if not line.startswith("{")]
        story = left + (opening(settings, style) if number == 1 else []) + flowables(lines, style)
        canvas.setFont(style["fonts"][0], 8)
        canvas.drawString(42, height - 30, settings["head"])
        canvas.drawCentredString(width / 2, 24, settings["page"].format(number))
        foot = 40.0
        for note in reversed(notes):
            _, tall = note.wrap(width - 84, 200)
            note.drawOn(canvas, 42, foot)
            foot += tall + 1
        if notes:
            canvas.setLineWidth(0.5)
            canvas.line(42, foot + 4, 130, foot + 4)
        frame = Frame(42, foot + 8, width - 84, height - 44 - foot - 8, 0, 0, 0, 0)
        frame.addFromList(story, canvas)
        if story and (parts_left := frame.split(story[0], canvas)):
            frame.add(parts_left[0], canvas)
            story[:1] = parts_left[1:]
        left = story
        canvas.showPage()
    if left:
        raise SystemExit(f"{target}: the text does not fit on {len(pages)} pages")
    canvas.save()


def opening(settings: dict[str, str], style: dict) -> list:
    from reportlab.platypus import Paragraph, Spacer

    return [
        Paragraph(settings["title"], style["title"]),
        Paragraph(settings["subtitle"], style["text"]),
        Spacer(1, 8),
    ]


def flowables(lines: list[str], style: dict) -> list:
    from reportlab.platypus import Paragraph, Spacer

    story, table = [], []
    for line in [*lines, ""]:
        kind, _, rest = line.partition(" ")
        if kind in ("gaps:", "grid:"):
            table.append((kind, rest.split(" | ")))
            continue
        if table:
            story += [a_table(table, style), Spacer(1, 8)]
            table = []
        if kind in ("#", "##"):
            story.append(Paragraph(rest, style[kind]))
        elif kind == "-":
            story.append(Paragraph(marked(rest), style["item"], bulletText="•"))
        elif line:
            story.append(Paragraph(marked(line), style["text"]))
    return story


def a_table(lines: list, style: dict):
    from reportlab.platypus import Paragraph, Table

    gaps = lines[0][0] == "gaps:"
    rows = [[cell if gaps else Paragraph(cell, style["cell"]) for cell in cells] for _, cells in lines]
    looks = [("FONT", (0, 0), (-1, -1), style["fonts"][0], 9), ("LEFTPADDING", (0, 0), (-1, -1), 4)]
    looks += [
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    looks += [("ALIGN", (2, 0), (-1, -1), "RIGHT")] if gaps else [("GRID", (0, 0), (-1, -1), 0.5, "black")]
    return Table(rows, colWidths=[115, 75, 70, 70] if gaps else [92, 110, 58, 70], style=looks, hAlign="LEFT")


def marked(line: str) -> str:
    """The references to footnotes, raised."""
    return re.sub(r"\{(\d)\}", r'<super size="7">\1</super>', line)


# ----------------------------------------------------------------------------- the product sheet (XLSX)


def table_lines(name: str) -> list[str]:
    return (HERE / "sources" / name).read_text(encoding="utf-8").splitlines()


def make_products(target: str) -> None:
    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Products"
    sheet.append(["Quillfeather Foods: product sheet"])
    sheet.append([])
    sheet.append(
        ["Number", "Product", "Group", "Size", "Price (€)", "Allergens", "Description", "Checked on"]
    )
    for i, line in enumerate(table_lines("products.txt")):
        number, product, group, size, price, allergens, text = line.split(" | ")
        day = datetime.date(2026, 2, 2) + datetime.timedelta(days=i % 5)
        sheet.append([number, product, group, size, float(price), allergens, text, day])
    answers = book.create_sheet("Answers")
    answers.append(["Question", "Products", "Answer"])
    for line in table_lines("answers.txt"):
        answers.append(line.split(" | "))
    for cell in (*sheet[1], *sheet[3], *answers[1]):
        cell.font = Font(bold=True)
    for name, width in (("B", 28), ("F", 26), ("G", 60)):
        sheet.column_dimensions[name].width = width
    for row in sheet.iter_rows(min_row=4, min_col=5, max_col=5):
        row[0].number_format = "0.00"
    book.properties.creator = "Embeddings workbook"
    book.properties.created = WHEN
    made = io.BytesIO()
    book.save(made)
    repack(made, HERE / target)


# ----------------------------------------------------------------------------- the tasting notes (DOCX)


def make_notes(target: str) -> None:
    import docx

    document = docx.Document()
    document.core_properties.author = "Embeddings workbook"
    document.core_properties.created = document.core_properties.modified = WHEN
    document.add_heading("Tasting Notes for New Colleagues", 0)
    document.add_paragraph("How we taste coffee on Thursday mornings, and how we write down what we find.")
    document.add_heading("Before you taste", 1)
    document.add_paragraph(
        "Do not wear perfume and do not eat anything spicy beforehand. Plain bread is fine."
    )
    for text in (
        "Grind 12 grams a cup, coarsely.",
        "Pour on 200 millilitres of water at 93 degrees.",
        "Wait four minutes.",
    ):
        document.add_paragraph(text, style="List Number")
    document.add_heading("What to write down", 1)
    document.add_paragraph("Write before you talk: the first opinion in the room changes all the others.")
    for text in ("Smell, dry and wet", "Acidity, from flat to sharp", "Body, from thin to heavy"):
        document.add_paragraph(text, style="List Bullet")
    document.add_paragraph("Fruit comes before nuts, nuts before smoke.", style="List Bullet 2")
    document.add_heading("Words we use", 2)
    table = document.add_table(rows=0, cols=3)
    table.style = "Table Grid"
    for row in (
        ("Word", "What it means", "How you say it to a customer"),
        ("Bright", "Pleasantly acid", "Fresh, a little like lemon"),
        ("Round", "No taste stands out", "Mild and balanced"),
        ("Baked", "Roasted too slowly, dull", "We do not sell it"),
    ):
        for cell, text in zip(table.add_row().cells, row):
            cell.text = text
    document.add_paragraph("If you cannot taste a difference, write that. It is a result as well.")
    made = io.BytesIO()
    document.save(made)
    repack(made, HERE / target)


def repack(made: io.BytesIO, target: Path) -> None:
    """The same archive with one date for all parts, so that it does not change from day to day."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, (2026, 3, 2, 0, 0, 0))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-03-02T00:00:00Z", content)
            new.writestr(info, content)


if __name__ == "__main__":
    make_handbook("handbook_en.txt", "handbook_en.pdf")
    make_handbook("handbook_ko.txt", "handbook_ko.pdf")
    make_products("products.xlsx")
    make_notes("tasting_notes.docx")
