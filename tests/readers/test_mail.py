"""Mails and mailboxes: an article a mail, without what it quotes, and one for each attachment."""

from __future__ import annotations

import base64
import gzip
import mailbox
import quopri
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions, document
from tests.fixtures.documents import OPTIONS, published, read_all, read_article
from tests.fixtures.packing import make_zip

HEAD = "From: Ada Berg <ada@harbour.example>\nDate: Mon, 3 May 2021 10:20:30 +0200\nSubject: Tide tables\n"


def mail(text: str = "The tables are right.", **more: Any) -> EmailMessage:
    """A mail with header fields, whose names have underscores."""
    made = EmailMessage()
    fields: dict[str, str] = {
        "Subject": "Tide tables",
        "From": "Ada Berg <ada@harbour.example>",
        "Date": "Mon, 3 May 2021 10:20:30 +0200",
    } | more
    for name, value in fields.items():
        if value:
            made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def read_mail(text: str, subject: str = "Tide tables") -> Article:
    return read_article(mail(text, Subject=subject).as_bytes(), "sub/a.eml")


def ids(found: list[Article | Failure]) -> list[str]:
    return [item.id if isinstance(item, Article) else f"failed: {item.path}" for item in found]


def test_a_mail_is_an_article() -> None:
    given = mail(
        "The tables are right.\n\nThe pier is closed.\n",
        Keywords="tides, harbour",
        List_Id="The harbour list <harbour.lists.example>",
        Archived_At="<https://lists.example/harbour/17>",
    )
    given["Content-Language"] = "en"
    found = read_article(given.as_bytes(policy=SMTP), "sub/a.eml")
    assert (found.id, found.source, found.title) == ("sub/a", "sub/a.eml", "Tide tables")
    assert found.paragraphs == ("The tables are right.", "The pier is closed.")
    assert published(found) == "2021-05-03T10:20 mail"
    assert (found.authors, found.tags, found.section) == (
        ("Ada Berg",),
        ("tides", "harbour"),
        "The harbour list",
    )
    assert (found.url, found.language, found.notes) == ("https://lists.example/harbour/17", "en", ())


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        ("Mon, 3 May 2021 10:20:30 +0200", "2021-05-03T10:20 mail"),
        ("Mon, 3 May 2021 10:20:30 -0000 (UTC)", "2021-05-03T10:20 mail"),
        ("3 May 21 10:20 GMT", "2021-05-03T10:20 mail"),
        ("Mo, 3. Mai 2021 10:20:30 +0200", "2021-05-03T10:20 mail"),
        # The last field is that of the server which the mail came to first.
        ("", "2021-05-03T10:21 mail"),
        ("Thu, 1 Jan 1970 01:00:00 +0100", "2021-05-03T10:21 mail"),
        ("Mon, 3 May 2077 10:20:30 +0200", "2021-05-03T10:21 mail"),
        ("soon", "2021-05-03T10:21 mail"),
    ],
)
def test_the_date_is_the_one_stated_else_the_one_of_the_first_server(stated: str, wanted: str) -> None:
    received = (
        "Received: from b; Tue, 4 May 2021 08:00:00 +0200\nReceived: from a; Mon, 3 May 2021 10:21:00 +0200\n"
    )
    date = f"Date: {stated}\n" if stated else ""
    assert published(read_article(f"{received}{date}Subject: Tides\n\nText.\n", "a.eml")) == wanted


def test_a_date_is_converted_to_the_configured_time_zone() -> None:
    options = ReadOptions(today=OPTIONS.today, timezone="Asia/Tokyo")
    assert published(read_article(f"{HEAD}\nText.\n", "a.eml", options)) == "2021-05-03T17:20 mail"


def test_a_mail_without_any_date_has_that_of_the_file_name() -> None:
    assert published(read_article("Subject: Tides\n\nText.\n", "2021-05.eml")) == "2021-05 file name"
    assert published(read_article(f"{HEAD}\nText.\n", "2019-01-01.eml")) == "2021-05-03T10:20 mail"


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("Ada Berg <ada@harbour.example>", ("Ada Berg",)),
        ('"Berg, Ada" <ada@harbour.example>, bo@harbour.example', ("Berg, Ada", "bo@harbour.example")),
        ("=?iso-8859-1?Q?J=F6rg?= =?utf-8?B?IFfDtmxr?= <j@harbour.example>", ("Jörg Wölk",)),
        ("=?utf-8?q?Berg=2C_Ada?= <ada@harbour.example>", ("Berg, Ada",)),
        ("ada@harbour.example (Ada Berg)", ("Ada Berg",)),
        ("ada at harbour.example (Ada Berg)", ("Ada Berg",)),
        ("'Ada Berg' <ada@harbour.example>", ("Ada Berg",)),
        ("", ()),
    ],
)
def test_the_authors_are_named_and_else_have_their_addresses(field: str, wanted: tuple[str, ...]) -> None:
    assert read_article(f"From: {field}\nSubject: Tides\n\nText.\n", "a.eml").authors == wanted


def test_a_mailing_list_is_no_part_of_a_name() -> None:
    head = (
        "From: Ada Berg via Harbour <harbour@lists.example>\nList-Id: <harbour.lists.example>\nSubject: A\n"
    )
    found = read_article(f"{head}\nText.\n", "a.eml")
    assert (found.authors, found.section) == (("Ada Berg",), "harbour")


@pytest.mark.parametrize(
    ("field", "title"),
    [
        (b"Re: [harbour] Tide tables", "Re: [harbour] Tide tables"),
        (
            b"=?utf-8?B?R2V6ZWl0ZW50?=\r\n =?utf-8?B?YWJlbGxlIGbDvHIg?= =?utf-8?Q?M=C3=A4rz?=",
            "Gezeitentabelle für März",
        ),
        (b"=?koi8-r?B?8NLJzMnX2Q==?= and more", "Приливы and more"),
        (b"=?x-unknown?Q?caf=C3=A9?=", "café"),
        (b"=?utf-8?B?R2V6Z?= and more", "=?utf-8?B?R2V6Z?= and more"),
        ("Gezeiten für März".encode(), "Gezeiten für März"),
        ("Gezeiten für März".encode("latin-1"), "Gezeiten für März"),
        (b"A subject\r\n on two lines", "A subject on two lines"),
    ],
)
def test_subjects_are_decoded_however_they_are_written(field: bytes, title: str) -> None:
    assert read_article(b"Subject: " + field + b"\r\n\r\nText.\r\n", "a.eml").title == title


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("koi8-r", "Приливы сегодня".encode("koi8-r"), "Приливы сегодня"),
        ("iso-2022-jp", "潮の満ち引き".encode("iso-2022-jp"), "潮の満ち引き"),
        ("us-ascii", "Gezeiten für März".encode("latin-1"), "Gezeiten für März"),
        ("x-unknown", "Gezeiten für März".encode(), "Gezeiten für März"),
        ("iso-8859-1", "Gezeiten „für“ März".encode("cp1252"), "Gezeiten „für“ März"),
        ("gb2312", "今天的潮汐".encode("gb18030"), "今天的潮汐"),
    ],
)
def test_the_text_is_decoded_from_the_stated_charset_or_from_the_likeliest(
    charset: str, data: bytes, text: str
) -> None:
    head = f"Subject: Tides\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    assert read_article(head.encode() + data, "a.eml").paragraphs == (text,)


def test_plain_text_is_preferred_to_html_unless_it_is_a_stub() -> None:
    given = mail("The tables are *right*.")
    given.add_alternative("<p>The tables are <b>right</b>.</p><p>From the HTML.</p>", subtype="html")
    assert read_article(given.as_bytes(), "a.eml").paragraphs == ("The tables are *right*.",)
    stub = mail("This mail needs a program that shows HTML.")
    stub.add_alternative("<p>The tables are right.</p>" * 20, subtype="html")
    assert read_article(stub.as_bytes(), "a.eml").paragraphs == ("The tables are right.",) * 20


def test_html_gives_what_is_shown_without_quotations() -> None:
    given = mail()
    given.set_content(
        '<style>p {}</style><div style="display: none">Preview</div><p>One<br>line each.</p>'
        '<div>On 3 May 2021 Bo wrote:</div><blockquote type="cite"><p>Are they?</p>'
        '<blockquote type="cite">Who?</blockquote></blockquote>'
        "<div>They are.</div><blockquote>The harbour master says so.</blockquote>",
        subtype="html",
    )
    found = read_article(given.as_bytes(), "a.eml")
    assert found.paragraphs == ("One", "line each.", "They are.", "The harbour master says so.")
    assert found.notes == ("skipped: a quoted reply of 3 lines",)


def test_text_that_is_wrapped_in_the_format_flowed_is_unwrapped() -> None:
    head = f"{HEAD}Content-Type: text/plain; format=flowed\n\n"
    text = "> Are the \n> tables right?\n\nThe tables \nare right, \n and so on.\nA line.\n\n-- \nAda\n"
    found = read_article(head + text, "a.eml")
    assert found.paragraphs == ("The tables are right, and so on.", "A line.")
    assert found.notes == ("skipped: a quoted reply of 1 line", "skipped: a signature of 1 line")


def test_one_paragraph_of_many_flowed_lines_is_unwrapped_in_linear_time() -> None:
    head = f"{HEAD}Content-Type: text/plain; format=flowed\n\n"
    (paragraph,) = read_article(head + "tide \n" * 400_000 + "end\n", "a.eml").paragraphs
    assert paragraph.split() == [*["tide"] * 400_000, "end"]


def test_attachments_that_are_read_are_articles_of_their_own() -> None:
    given = mail()
    given.add_attachment("A report\n\nThe crane is tall.\n", filename="report.txt")
    given.add_attachment(
        "<title>A page</title><p>The pier is closed.</p>", subtype="html", filename="page.html"
    )
    given.add_attachment("# Minutes\n\nAll agreed.\n", filename="report.txt")
    given.add_attachment(b"\0", "application", "octet-stream", filename="plan.dwg")
    given.add_attachment(b"\x89PNG", "image", "png", filename="logo.png", disposition="inline", cid="<1>")
    given.add_attachment(b"\0", "application", "ms-tnef", filename="winmail.dat")
    found = read_all(given.as_bytes(), "sub/a.eml")
    assert ids(found) == ["sub/a", "sub/a/report.txt", "sub/a/page.html", "sub/a/3-report.txt"]
    first, report = found[:2]
    assert isinstance(first, Article)
    assert isinstance(report, Article)
    assert first.notes == (
        "skipped: the attachment plan.dwg",
        "skipped: winmail.dat, which only Outlook reads",
    )
    assert (report.title, report.source, report.authors) == (
        "A report",
        "sub/a.eml/report.txt",
        ("Ada Berg",),
    )
    assert published(report) == "2021-05-03T10:20 mail"
    assert report.notes == ("attached to the mail: Tide tables",)


def test_a_mail_in_a_mail_is_an_article_with_its_own_date_and_author() -> None:
    given = mail()
    given.add_attachment(mail("The pier is closed.", Subject="Pier", From="bo@harbour.example", Date=""))
    _, second = read_all(given.as_bytes(), "a.eml")
    assert isinstance(second, Article)
    assert (second.id, second.title, second.authors) == ("a/mail-1.eml", "Pier", ("bo@harbour.example",))
    assert (second.published, second.notes) == (None, ("attached to the mail: Tide tables",))


def multipart(subtype: str, *parts: str) -> str:
    """A mail of parts, each with its header."""
    return f"{HEAD}Content-Type: multipart/{subtype}; boundary=b\n\n" + "".join(
        f"--b\n{part}\n" for part in parts
    )


def test_what_is_signed_is_read_and_what_is_encrypted_is_said() -> None:
    signed = multipart(
        "signed", "Content-Type: text/plain\n\nText.", "Content-Type: application/pgp-signature\n\nx"
    )
    assert read_article(signed, "a.eml").paragraphs == ("Text.",)
    armored = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- - One.\n-----BEGIN PGP SIGNATURE-----\nx\n"
    )
    assert read_mail(armored).paragraphs == ("- One.",)
    encrypted = multipart("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1")
    for given in (
        encrypted,
        f"{HEAD}Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB\n",
    ):
        found = read_article(given, "a.eml")
        assert (found.title, found.paragraphs) == ("Tide tables", ())
        assert found.notes == ("encrypted: its text cannot be read",)


def test_of_a_report_about_a_mail_the_part_for_people_is_read() -> None:
    given = multipart(
        "report",
        "Content-Type: text/plain\n\nNot delivered.",
        "Content-Type: message/delivery-status\n\nStatus: 5\n",
    )
    assert read_article(given, "a.eml").paragraphs == ("Not delivered.",)


def test_a_title_that_is_missing_is_the_first_sentence_and_nothing_is_refused() -> None:
    found = read_article("From: a@harbour.example\n\nThe pier is closed. Ask Bo.\n", "a.eml")
    assert found.title == "The pier is closed."
    assert read_all("From: a@harbour.example\n\n\n", "a.eml") == [Failure("a.eml", "contains no text")]


@pytest.mark.parametrize(
    "data", ["", "No mail.\n", "\0\1\2", "<p>Text</p>", "From the harbour\n\nNo mail.\n"]
)
def test_what_is_no_mail_is_refused(data: str) -> None:
    with pytest.raises(UnreadableDocument, match="not a mail"):
        read_all(data, "a.eml")


def write_mailbox(path: Path, *mails: EmailMessage) -> bytes:
    box = mailbox.mbox(path)
    for given in mails:
        box.add(given)
    box.close()
    return path.read_bytes()


def test_each_mail_of_a_mailbox_is_an_article_with_the_id_of_its_message(tmp_path: Path) -> None:
    data = write_mailbox(
        tmp_path / "a",
        mail("One.\n\nFrom here on.\n", Message_ID="<1@harbour.example>"),
        mail("Two.", Message_ID=""),
        mail("Three.", Message_ID="<3/a@harbour.example>"),
    )
    found = read_all(data, "sub/a.mbox")
    assert ids(found) == ["sub/a/1@harbour.example", "sub/a-2", "sub/a/3a@harbour.example"]
    first = found[0]
    assert isinstance(first, Article)
    assert (first.paragraphs, first.source) == (("One.", "From here on."), "sub/a.mbox")


def test_a_mail_that_a_mailbox_has_twice_or_that_is_deleted_is_counted(tmp_path: Path) -> None:
    same = mail("One.", Message_ID="<1@harbour.example>")
    deleted = mail("Two.", X_Mozilla_Status="0009")
    data = write_mailbox(tmp_path / "a", same, same, deleted, mail("Three."))
    counted: list[str] = []
    found = read_all(data, "a.mbox", leave_out=counted.append)
    assert ids(found) == ["a/1@harbour.example", "a-4"]
    assert counted == ["mails with the Message-ID of another", "deleted mails"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("From a@b.example Mon May  3 10:00:00 2021\nSubject: A\n\nFrom 10:30 on the pier is closed.\n", 1),
        ("From - 10:00\nSubject: A\n\nText.\nFrom - 10:00\nSubject: B\n\n", 1),
        ("From a@b.example\nSubject: A\n\nText.\n\nFrom a@b.example 10:00:00 2021\nSubject: B\n\nText.\n", 2),
        ("From - 10:00\r\nSubject: A\r\n\r\nText.\r\n\r\nFrom - 10:00\r\nSubject: B\r\n\r\nText.\r\n", 2),
        ("\nFrom - 10:00\nSubject: A\n\nText.\n\n>From - 10:00\nSubject: no\n", 1),
    ],
)
def test_a_mailbox_is_divided_only_where_a_mail_begins(text: str, count: int) -> None:
    assert len(read_all(text, "a.mbox")) == count


@pytest.mark.parametrize("name", ["a.mbox", "Inbox", "a.txt", "a.mbox.gz", "2021-May.txt.gz"])
def test_a_mailbox_is_recognized_by_its_first_lines(name: str) -> None:
    data = b"From a@b.example Mon May  3 10:00:00 2021\nSubject: Tides\n\nText.\n"
    assert read_article(gzip.compress(data) if name.endswith(".gz") else data, name).title == "Tides"


@pytest.mark.parametrize(
    "text", ["From our own correspondent\n\nText.\n", "From 10:30 on: closed\nThe pier is closed.\n"]
)
def test_a_text_that_begins_like_a_mailbox_stays_a_text(text: str) -> None:
    assert read_article(text, "a.txt").title.startswith("From ")


def test_a_mail_of_a_folder_of_mails_is_recognized_without_a_suffix() -> None:
    text = "Return-Path: <ada@harbour.example>\nSubject: Tides\n\nText.\n"
    assert read_article(text, "cur/1620030000.M1P2.host:2,S").title == "Tides"


def test_a_mail_that_is_too_large_or_damaged_does_not_stop_the_others() -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(100))
    start = "From - Mon May  3 10:00:00 2021\n"
    text = f"{start}Subject: A\n\n{'x' * 3000}\n\n{start}{nested}\n\n{start}Subject: C\n\nText.\n"
    found = read_all(text, "a.mbox", ReadOptions(max_bytes=2500, today=OPTIONS.today))
    assert ids(found) == ["failed: a.mbox:1", "failed: a.mbox:2", "a-3"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Subject: A " + b"a " * 500_000 + b"\n\nText.\n", id="a long field"),
        pytest.param(
            b"Subject: A\nFrom: " + b"(a," * 300_000 + b"\n\nText.\n", id="a long list of addresses"
        ),
        pytest.param(
            b'Content-Type: a/b; c="' + b";" * 500_000 + b"\nSubject: A\n\nText.\n", id="a long type"
        ),
        pytest.param(b"Subject: A" + b"=?utf-8?q?a?=" * 100_000 + b"\n\nText.\n", id="encoded words"),
        pytest.param(b"Subject: A\n" + b"X: a\n" * 100_000 + b"\nText.\n", id="many fields"),
        pytest.param(b"Subject: A\nContent-Type: multipart/mixed\n\n" + b"--\nx\n" * 9000, id="no boundary"),
        pytest.param(
            b"Subject: A\nContent-Transfer-Encoding: base64\n\n" + b"QUJ\n" * 9000, id="broken base64"
        ),
        pytest.param(
            b"Subject: A\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
            id="many parts",
        ),
        pytest.param(
            b"Subject: A\nContent-Type: text/html\n\n" + b"<blockquote type=cite>a<br>" * 20_000,
            id="many quotations",
        ),
    ],
)
def test_a_hostile_mail_is_read_as_far_as_possible(data: bytes) -> None:
    assert read_article(data, "a.eml").title.startswith("A")


def test_broken_transfer_encodings_give_what_is_intact() -> None:
    text = base64.encodebytes(b"The tables are right.").decode()
    head = f"{HEAD}Content-Transfer-Encoding: base64\n\n"
    assert read_article(f"{head}{text[:20]}\n*{text[20:-3]}", "a.eml").paragraphs[0].startswith("The tables")
    head = f"{HEAD}Content-Transfer-Encoding: quoted-printable\n\n"
    assert read_article(f"{head}The =\ntables =C3=A4 =XY", "a.eml").paragraphs == ("The tables ä =XY",)


def test_a_mail_that_cannot_be_read_does_not_stop_the_others_of_its_mailbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "ARTICLE_TEXT", 400)
    long = mail("Long. " * 100)
    long.add_attachment("A report\n\nThe crane is tall.\n", filename="report.txt")
    page = mail()
    page.set_content("<p>" + "Long. " * 400, subtype="html")
    mails = (mail(), long, page, mail())
    data = b"\n".join(b"From ada Mon May  3 10:20:30 2021\n" + one.as_bytes() for one in mails)
    found = read_all(data, "a.mbox")
    assert ids(found) == ["a-1", "failed: a.mbox:2", "a-2/report.txt", "failed: a.mbox:3", "a-4"]


def test_what_the_mail_states_of_an_attachment_holds_for_records_and_mails_in_it() -> None:
    given = mail(Keywords="tides,  harbour , ")
    given.add_attachment('{"title": "T", "text": "A tide."}', filename="a.jsonl")
    given.add_attachment("T\n\nA tide.", filename="b.txt")
    archive = make_zip({"c.eml": mail(Date="").as_bytes()})
    given.add_attachment(archive, "application", "zip", filename="c.zip")
    for found in read_all(given.as_bytes(), "a.eml"):
        assert isinstance(found, Article)
        assert found.tags == ("tides", "harbour")
        assert published(found) == "2021-05-03T10:20 mail"
        assert found.id == "a" or found.notes == ("attached to the mail: Tide tables",)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_mail_in_a_mail_that_is_encoded_is_read(encoding: str) -> None:
    encode = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}[encoding]
    inner = encode(mail("An answer.", Subject="Re: Pier").as_bytes()).decode().lstrip("\n")
    if encoding == "quoted-printable":
        inner = inner.replace(":", "=3A")
    given = multipart(
        "mixed", f"Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\n{inner}"
    )
    found = read_all(given, "a.eml")[-1]
    assert isinstance(found, Article)
    assert (found.title, found.paragraphs) == ("Re: Pier", ("An answer.",))
