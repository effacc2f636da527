"""What is forgiven in the XML of real devices, and what never is."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odk_forms.xml import (
    MAX_BYTES,
    MOST_ELEMENTS,
    XmlError,
    attribute,
    child,
    content,
    parse_strict,
    quoted,
)
from odk_forms.xml import parse_tolerant as parse
from tests.support.promises import promise


def value(raw: bytes) -> str:
    return content(child(parse(raw), "a"))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"<d><a>9.1</a></d>", "9.1", id="plain"),
        pytest.param(b"<d><a>(01)12&#29;10AB</a></d>", "(01)12\x1d10AB", id="gs1-barcode"),
        pytest.param(b"<d><a>1&#x1D;2</a></d>", "1\x1d2", id="gs1-hex"),
        pytest.param(b"<d><a>1\x1d2</a></d>", "1\x1d2", id="raw-control"),
        pytest.param(b"<d><a>1&#0;2\x003</a></d>", "1\ufffd2\ufffd3", id="nul"),
        pytest.param(b"<d><a>&#55357;&#56832;</a></d>", "😀", id="split-surrogates"),
        pytest.param(b"<d><a>&#xD83D;&#xde00;</a></d>", "😀", id="split-surrogates-hex"),
        pytest.param(b"<d><a>&#55357;!</a></d>", "\ufffd!", id="half-a-pair"),
        pytest.param(b"<d><a>&#xFFFFFFFFFFF;!</a></d>", "\ufffd!", id="far-too-large-hex"),
        pytest.param(b"<d><a>&#99999999999999999999;!</a></d>", "\ufffd!", id="far-too-large"),
        pytest.param(b"<d><a>&#" + b"9" * 9999 + b";!</a></d>", "\ufffd!", id="longer-than-an-int"),
        pytest.param(b"<d><a>&#x" + b"0" * 9999 + b"1d;</a></d>", "\x1d", id="many-zeros"),
        pytest.param(b"<d><a>&#x110000;&#xDFFF;</a></d>", "\ufffd\ufffd", id="no-characters"),
        pytest.param(
            b"<d><a><![CDATA[1\x1d&#0;&amp;<b>]]]]>&#29;</a></d>",
            "1\x1d&#0;&amp;<b>]]\x1d",
            id="control-in-cdata",
        ),
        pytest.param(b"<d><a>&#64; &amp; &lt;</a></d>", "@ & <", id="collects-at-sign"),
        pytest.param(b"\xef\xbb\xbf<d><a>x</a></d>", "x", id="bom"),
        pytest.param(b"\n\r <?xml version='1.0'?><d><a>x</a></d>", "x", id="newline-first"),
        pytest.param("<d><a>é</a></d>".encode("utf-16"), "é", id="utf-16-bom"),
        pytest.param(
            "<?xml version='1.0' encoding='iso-8859-1'?><d><a>é</a></d>".encode("latin-1"),
            "é",
            id="declared-latin-1",
        ),
        pytest.param(
            "<?xml version='1.0' encoding='utf-16'?><d><a>é</a></d>".encode(),
            "é",
            id="declared-utf-16-but-is-not",
        ),
        pytest.param(
            b"<?xml version='1.0' encoding='x-odd'?><d><a>x</a></d>", "x", id="unknown-encoding"
        ),
        pytest.param(b"<d><a>\xffx</a></d>", "\ufffdx", id="bad-bytes"),
        pytest.param(
            "<?xml version='1.0' encoding='us-ascii'?><d><a>é</a></d>".encode(),
            "é",
            id="declared-ascii-but-is-utf-8",
        ),
        pytest.param(
            b"<?xml version='1.0' encoding='us-ascii'?><d><a>\xe9!</a></d>",
            "\ufffd!",
            id="declared-ascii-but-is-nothing",
        ),
        pytest.param(
            "<?xml version='1.0' encoding='UTF-16'?><d><a>é</a></d>".encode("utf-16-le"),
            "é",
            id="utf-16-without-a-bom",
        ),
        pytest.param(
            "<?xml version='1.0' encoding='UTF-16BE'?><d><a>é</a></d>".encode("utf-16-be"),
            "é",
            id="utf-16-be-without-a-bom",
        ),
        pytest.param(
            b" " * 300 + b"<?xml version='1.0' encoding='latin-1'?><d><a>\xe9</a></d>",
            "é",
            id="declared-behind-blank-space",
        ),
        pytest.param(b"<d><a>1<!-- c -->2</a></d>", "12", id="comment"),
        pytest.param(b"<d><a><![CDATA[<!DOCTYPE x>]]></a></d>", "<!DOCTYPE x>", id="cdata"),
        pytest.param(
            b'<d><a><![CDATA[L<?xml version="1.0"?>R]]></a></d>',
            'L<?xml version="1.0"?>R',
            id="declaration-in-cdata",
        ),
        pytest.param(
            b"<d><!--" + b"<![CDATA[" * 200_000 + b"--><a>&#29;&amp;</a></d>",
            "\x1d&",
            id="openings-in-a-comment",
        ),
        pytest.param(
            b"<d><a>" + b" " * 2_000_000 + b"x</a></d>", " " * 2_000_000 + "x", id="white-space"
        ),
        pytest.param(b"<d><orx:a>x</orx:a></d>", "x", id="undeclared-prefix"),
        pytest.param(b"<d xmlns:o=''><o:a>x</o:a></d>", "x", id="empty-namespace"),
        pytest.param(b"<d xmlns='urn:f' xmlns:o='urn:o'><o:a>x</o:a></d>", "x", id="namespaces"),
        pytest.param(b"<d><a/></d>", "", id="blank"),
    ],
)
def test_forgiven(raw, text):
    assert value(raw) == text


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"  ", "empty", id="white-space"),
        pytest.param(b"hello", "cannot be read", id="not-xml"),
        pytest.param(b"<?xml " * 500_000, "cannot be read", id="declarations"),
        pytest.param(b"<d><a>1</a><b>cut", "cannot be read", id="cut-short"),
        pytest.param(b"<d><a>1&#29;2</a><b>cut", "cannot be read", id="cut-short-with-a-barcode"),
        pytest.param(b"<d><o:a>1</o:a><b>cut", "cannot be read", id="cut-short-with-a-prefix"),
        pytest.param(b"<d><a>\x1d</b></d>", "cannot be read", id="wrong-end-with-a-control"),
        pytest.param(b"<d><a\x1d>1</a></d>", "cannot be read", id="control-in-a-name"),
        pytest.param(b"<d><a>1</b></d>", "cannot be read", id="wrong-end"),
        pytest.param(b"<d><a>1&nbsp;2</a></d>", "cannot be read", id="undefined-entity"),
        pytest.param(b"<d><a>1 & 2</a></d>", "cannot be read", id="bare-ampersand"),
        pytest.param(b"<d/><d/>", "cannot be read", id="two-roots"),
        pytest.param(b"<d>" + b"<a>" * 300 + b"</a>" * 300 + b"</d>", "depth", id="deep"),
        pytest.param(b"<!DOCTYPE d><d/>", "DOCTYPE", id="doctype"),
        pytest.param(codecs.BOM_UTF8 * 2 + b"<!DOCTYPE d><d/>", "DOCTYPE", id="behind two BOMs"),
        pytest.param(b'<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>', "DOCTYPE", id="entity"),
        pytest.param(
            b"<?xml version='1.0'?>\n<!-- x -->\n<?p q?><!DOCTYPE d><d/>",
            "DOCTYPE",
            id="doctype-after-comments",
        ),
        pytest.param("<!DOCTYPE d><d/>".encode("utf-16"), "DOCTYPE", id="doctype-in-utf-16"),
        pytest.param(
            b'<!<![CDATA[DOCTYPE d [<!ENTITY a "b">]]]>><d>&a;</d>',
            "DOCTYPE|be read",
            id="in-pieces",
        ),
        pytest.param(
            b'<!<![CDATA[]]>DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>', "DOCTYPE", id="behind-nothing"
        ),
        pytest.param(b"<d>" + b"x" * MAX_BYTES + b"</d>", "larger", id="too-large"),
        pytest.param(b"<d>" + b"<a/>" * MOST_ELEMENTS + b"</d>", "elements", id="too-many"),
    ],
)
def test_never_forgiven(raw, word):
    with pytest.raises(XmlError, match=word):
        parse(raw)


CODECS = (
    *("base64", "bz2", "charmap", "hex", "idna", "mbcs", "oem", "punycode", "quopri", "rot13"),
    *("raw_unicode_escape", "undefined", "unicode_escape", "unicode_internal", "utf_7", "utf-32"),
    *(
        "utf_16_be",
        "uu",
        "zlib",
        "UTF7",
        "Unicode-Escape",
        "cp037",
        "x",
        "..",
        "aliases",
        "__init__",
    ),
)


@promise("O56")
@pytest.mark.parametrize("declared", CODECS)
def test_an_encoding_that_no_xml_is_written_in_is_read_as_utf_8(declared):
    text = "+62812-3 \\u0041\\N{DIGIT ONE} =41 xn--a ~{é👶"
    raw = f'<?xml version="1.0" encoding="{declared}"?><d><a>{text}</a></d>'.encode()
    assert value(raw) == text
    assert value(raw.replace(b"=41", b"\xff")) == text.replace("=41", "\ufffd")


PIECES = (
    *(
        b"<",
        b">",
        b"<d>",
        b"</d>",
        b"<a b='",
        b"'/>",
        b"<o:a>",
        b"</o:a>",
        b"<d id='x'>",
        b"/",
        b"=",
    ),
    *(
        b"<!--",
        b"-->",
        b"<?xml ",
        b"?>",
        b"<![CDATA[",
        b"]]>",
        b"<!DOCTYPE d [",
        b"<!ENTITY a 'b'>",
    ),
    *(
        b"&#",
        b"x",
        b"1",
        b"f" * 9,
        b"0" * 20,
        b";",
        b"&amp;",
        b"&a;",
        b"&#29;",
        b"&#xD83D;",
        b"\x1d",
    ),
    *(b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbf\xbf", b" ", b"\r\n", b"<\x00?\x00"),
    *(
        b"\xff\xfe",
        b"\x00\xd8",
        b"\xef\xbb\xbf",
        b"encoding='hz'",
        b"~{",
        b"encoding='utf-7'?>",
        b"+AGE",
    ),
)


@promise("O56")
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_what_cannot_be_read_is_refused_in_one_way(raw):
    for whole in (raw, b"<d><a>" + raw + b"</a></d>"):
        try:
            root = parse(whole)
        except XmlError:
            continue
        assert root.getroottree().docinfo.internalDTD is None


@pytest.mark.parametrize(
    "raw",
    [
        b"<d><a>&#29;</a></d>",
        b"<d><o:a/></d>",
        b"\n<?xml version='1.0'?><d/>",
        b'<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>',
    ],
)
def test_a_form_must_be_well_formed(raw):
    with pytest.raises(XmlError):
        parse_strict(raw)


REST = """<a>&amp; &lt;b&gt; &#38; &#x3c; \U0001f476 &apos;&quot;</a><!-- &amp; --><?p &lt;?>
 <b x=" &amp;&lt;&#38;\t&quot; " y='&apos;'> <c><![CDATA[&amp; <c> ]]></c> tail &gt; </b>
 <o:meta xmlns:o="o"><o:id>]]&gt;</o:id></o:meta>"""


@pytest.mark.parametrize("barcode", ["&#29;", "&#x1d;", "\x1d"], ids=["decimal", "hex", "raw"])
def test_nothing_else_is_lost_behind_a_control_character(barcode):
    """In one document of any length, whatever stands between its beginning and its end."""
    rest = REST + "<d>" + "p\u00e4njang &amp; lebar; " * 2000 + "</d>" + REST
    sent = "<d><k>01{}10</k>" + rest + "<k>{}&amp;</k></d>"
    read = parse(sent.replace("{}", barcode).encode())
    plain = parse_strict(sent.replace("{}", "\ue01d").encode())
    assert told(read) == [
        tuple(text.replace("\ue01d", "\x1d") for text in one) for one in told(plain)
    ]


def told(root):
    return [
        (one.tag, one.text or "", one.tail or "", *map(str, one.attrib.items()))
        for one in root.iter()
    ]


def test_attributes_are_found_by_their_local_name():
    root = parse(b"<d xmlns:o='urn:o' o:version='1' p:id='x' id='y'/>")

    assert (attribute(root, "version"), attribute(root, "id")) == ("1", "y")
    assert attribute(root, "other") is None


def test_one_attribute_is_found_among_very_many():
    many = "".join(f"a{number}='' " for number in range(99_999))
    root = parse(f"<d {many} p:id='x'/>".encode())
    assert (attribute(root, "id"), attribute(root, "other")) == ("x", None)


def test_text_is_escaped_once_and_never_breaks_the_document():
    text = 'Crate & "Barrel" <1>\x1d\x00'

    assert quoted(text) == "Crate &amp; &quot;Barrel&quot; &lt;1&gt;"
