"""The own words of a mail's author: quotations and signatures are skipped and counted."""

from __future__ import annotations

import pytest

from indexer.readers.replies import split_reply

QUOTED = "> Are the tables right?\n> And the pier?\n"
OWN = "The tables are right."


@pytest.mark.parametrize(
    "introduction",
    [
        "On Mon, 3 May 2021 at 10:00, Bo Lind <bo@harbour.example> wrote:",
        "On Mon, 3 May 2021 at 10:00, Bo Lind\n<bo@harbour.example> wrote:",
        "Bo Lind wrote:",
        "Am 03.05.21 um 10:00 schrieb Bo Lind:",
        "Le lun. 3 mai 2021 à 10:00, Bo Lind <bo@harbour.example> a écrit :",
        "El lun, 3 may 2021 a las 10:00, Bo Lind (<bo@harbour.example>) escribió:",
        "Em seg., 3 de mai. de 2021 às 10:00, Bo Lind <bo@harbour.example> escreveu:",
        "Il giorno lun 3 mag 2021 alle ore 10:00 Bo Lind ha scritto:",
        "Op ma 3 mei 2021 om 10:00 schreef Bo Lind <bo@harbour.example>:",
        "pon., 3 maj 2021 o 10:00 Bo Lind <bo@harbour.example> napisał(a):",
        "пн, 3 мая 2021 г. в 10:00, Bo Lind <bo@harbour.example>:",
        "Bo Lind <bo@harbour.example> 于2021年5月3日周一 10:00写道：",
        "2021年5月3日(月) 10:00 Bo Lind <bo@harbour.example>:",
    ],
)
def test_a_quotation_is_skipped_with_the_line_that_introduces_it_in_any_language(introduction: str) -> None:
    for gap in ("\n", "\n\n"):
        own, notes = split_reply(f"{OWN}\n\n{introduction}{gap}{QUOTED}")
        assert own.strip() == OWN
        assert notes == [f"skipped: a quoted reply of {2 + 1 + introduction.count(chr(10))} lines"]


def test_answers_between_and_below_quotations_are_kept() -> None:
    text = f"Bo wrote:\n{QUOTED}\n{OWN}\n> And the crane?\n\nIt is tall.\nSee below:\n\n> What?\n\nAda\n"
    own, notes = split_reply(text)
    assert " ".join(own.split()) == f"{OWN} It is tall. See below: Ada"
    assert notes == ["skipped: 3 quoted replies of 5 lines"]


@pytest.mark.parametrize(
    "head",
    [
        "-----Original Message-----\nFrom: Bo Lind\nSent: Monday\nTo: Ada\nSubject: Tables\n",
        "-----Ursprüngliche Nachricht-----\nVon: Bo Lind\n",
        "-------- Message d'origine --------\nDe : Bo\n",
        "________________________________\nFrom: Bo <bo@harbour.example>\nSent: Monday\nSubject: Tables\n",
        "Von: Bo Lind\nGesendet: Montag, 3. Mai 2021 10:00\nAn: Ada\nBetreff: Tabellen\n",
        "*From:* Bo Lind\n*Sent:* Monday\n*To:* Ada\n*Subject:* Tables\n",
        "From: Bo Lind Sent: Monday, May 3, 2021 10:00 To: Ada Subject: Tables\n",
        "发件人: Bo Lind\n发送时间: 2021年5月3日\n收件人: Ada\n主题: 潮汐\n",
    ],
)
def test_all_below_the_head_of_another_mail_is_skipped_unless_it_is_forwarded(head: str) -> None:
    text = f"{OWN}\n\n{head}\nAre the tables right?\n"
    own, notes = split_reply(text)
    assert own.strip() == OWN
    assert notes[0].startswith("skipped: a quoted reply of ")
    assert split_reply(text, is_forward=True) == (text, [])


@pytest.mark.parametrize(
    ("signature", "count"),
    [
        ("-- \nAda Berg\nHarbour office\n", "2 lines"),
        ("--\nAda Berg\n", "1 line"),
        ("Sent from my telephone\n", "1 line"),
        ("Von meinem Telefon gesendet\n", "1 line"),
        ("_______________________\nharbour mailing list\nhttps://lists.example/harbour\n", "2 lines"),
        (
            "-- \nAda\n_______________________\nharbour mailing list\nhttps://lists.example/harbour\n",
            "4 lines",
        ),
    ],
)
def test_a_signature_is_skipped(signature: str, count: str) -> None:
    own, notes = split_reply(f"{OWN}\n\n{signature}")
    assert (own.strip(), notes) == (OWN, [f"skipped: a signature of {count}"])


def test_a_signature_above_a_quotation_is_skipped() -> None:
    own, notes = split_reply(f"{OWN}\n-- \nAda\n\nBo wrote:\n{QUOTED}")
    assert own.strip() == OWN
    assert notes == ["skipped: a quoted reply of 3 lines", "skipped: a signature of 1 line"]


@pytest.mark.parametrize(
    "text",
    [
        "Three things:\n- tables\n- pier\n\nThanks for the crane. Best regards are due to Bo.\n",
        "One.\n\n--\n" + "A part of the text.\n" * 20,
        "A timetable.\nFrom: 10:00\nTo: 12:00\nDate: Monday\n",
        "Bo wrote at 10:00:\n\nThis is no quotation.\n",
        "2 > 1, and a -> b.\n",
        "____________________\nA title\n____________________\n\nText.\n",
    ],
)
def test_the_own_text_is_kept(text: str) -> None:
    assert split_reply(text) == (text, [])


def test_a_mail_of_nothing_but_quotations_is_kept_as_it_is() -> None:
    assert split_reply(f"\n{QUOTED}") == (f"\n{QUOTED}", ["the text has only quotations, which were kept"])


SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- - {}\n-----BEGIN PGP SIGNATURE-----\n\niQE\n"
END = "-----END PGP SIGNATURE-----\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (SIGNED.format("One"), "- One\n"),
        (SIGNED.format("One") + END, "- One\n"),
        ("- Above\n\n" + SIGNED.format("One") + END + "\nBelow", "- Above\n\n- One\n\nBelow"),
        (SIGNED.format("One") + END + SIGNED.format("Two") + END + "End", "- One\n- Two\nEnd"),
        (SIGNED.partition("\n--")[0].format("One"), "- One"),
        ("-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNED MESSAGE-----\n"),
    ],
)
def test_all_that_stands_in_or_beside_what_is_signed_with_pgp_is_kept(text: str, wanted: str) -> None:
    assert split_reply(text) == (wanted, [])
