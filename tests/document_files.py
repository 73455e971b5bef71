"""Small files for the tests of `helpers.documents`, made byte by byte: PDF, DOCX and XLSX, good and bad."""

import io
import zipfile

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def pdf(*pages: list, extra: bytes = b"", trailer: bytes = b"", rotate: int = 0) -> bytes:
    """A PDF in A4; each page is a list of (x, y, size, text[, font]) and of rules (x, y, x, y)."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        4: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
        5: b"<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1"
        b">>stream\nx\nendstream",
    }
    kids = []
    for page in pages:
        content = b"\n".join(map(_drawn, page)) + extra
        number = max(objects) + 1
        objects[number] = b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)
        objects[number + 1] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Rotate %d/Contents %d 0 R"
            b"/Resources<</Font<</F1 3 0 R/F2 4 0 R>>/XObject<</I 5 0 R>>>>>>" % (rotate, number)
        )
        kids.append(b"%d 0 R" % (number + 1))
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    out = bytearray(b"%PDF-1.4\n")
    places = {}
    for number, body in sorted(objects.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % places[number] for number in sorted(objects))
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)
    return bytes(out)


def _drawn(item: tuple) -> bytes:
    if len(item) == 4 and not isinstance(item[3], str):
        return b"%.1f %.1f m %.1f %.1f l S" % item
    x, y, size, text, *font = item
    escaped = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"BT /%s %.1f Tf %.1f %.1f Td (%s) Tj ET" % ((font or ["F1"])[0].encode(), size, x, y, escaped)


def lines(texts: list[str], x: float = 72, y: float = 700, size: float = 11, step: float = 14) -> list[tuple]:
    """Lines of text below each other."""
    return [(x, y - i * step, size, text) for i, text in enumerate(texts)]


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password: no password fits these keys."""
    keys = b"00" * 32
    encrypt = b"/Encrypt<</Filter/Standard/V 1/R 2/P -44/O<%s>/U<%s>>>/ID[<00><00>]" % (keys, keys)
    return pdf(lines(["secret"]), trailer=encrypt)


def scanned_pdf() -> bytes:
    return pdf([], [], extra=b"q 500 0 0 700 40 40 cm /I Do Q")


def zipped(parts: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx(body: str, **parts: str) -> bytes:
    """A Word document of the given body; `styles` and `footnotes` are other parts."""
    document = f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    others = {f"word/{name}.xml": content for name, content in parts.items()}
    return zipped({"[Content_Types].xml": TYPES, "word/document.xml": document, **others})


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(sheets: dict[str, list[list]], **states: str) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = states.get(name, "visible")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def lying(archive: bytes, name: str, size: int) -> bytes:
    """The archive with a wrong unpacked size of one part, in its directory and before the part."""
    info = zipfile.ZipFile(io.BytesIO(archive)).getinfo(name)
    old, new = info.file_size.to_bytes(4, "little"), size.to_bytes(4, "little")
    packed = info.CRC.to_bytes(4, "little") + info.compress_size.to_bytes(4, "little")
    return archive.replace(packed + old, packed + new)
