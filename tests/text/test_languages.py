"""The words of each language: spellings of one word, and an index with ten languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, Index, open_index
from indexer.engine.build.gather import Gatherer, Run
from indexer.engine.build.tokenize import SEPARATOR
from indexer.text.analyzer import get_analyzer
from indexer.text.languages import SNOWBALL, base_language, stop_words
from indexer.text.normalization import normalize, put_tone_last
from indexer.text.unspaced import is_unit, is_unspaced, split_bigrams, unit_end

# The language, and ways to write a word that find each other there.
SPELLINGS = [
    ("ar", "القاهرة القاهره والقاهرة قاهرة الْقَاهِرَة القـاهـرة"),
    ("ar", "أحمد احمد إحمد آحمد ٱحمد"),
    ("ar", "كتاب الكتاب كتابها"),
    ("ar", "٢٠٢١ 2021"),
    ("cs", "válka války"),
    ("da", "økonomi ØKONOMI okonomi"),
    ("de", "Müller Mueller MÜLLER Muller"),
    ("de", "Straße Strasse STRASSE Straßen"),
    ("de", "Häuser haus Haeuser"),
    ("de", "Zusam\u00admen zusammen"),
    ("el", "πόλεμος ΠΟΛΕΜΟΣ πολέμου πολεμοσ"),
    ("es", "canción canciones"),
    ("et", "raamat raamatud"),
    ("fa", "کتاب كتاب کتاب‌ها کتابها کتاب‌های"),
    ("fa", "۱۴۰۰ 1400"),
    ("fi", "kirja kirjan"),
    ("fr", "l'élève d’élèves ÉLÈVE"),
    ("he", 'צה"ל צה״ל צהל'),
    ("he", "שָׁלוֹם שלום"),
    ("hi", "हिन्दी हिंदी"),
    ("hi", "क़लम कलम क\u093cलम"),
    ("hi", "किताब किताबें"),
    ("hi", "२०२१ 2021"),
    ("hr", "mlijeko mleko"),
    ("hu", "ház házak"),
    ("id", "membaca dibaca"),
    ("ja", "ｶﾞｲﾄﾞ ガイド カ\u3099イト\u3099"),
    ("ja", "Harbours harbour"),
    ("ja", "辻 辻\U000e0100"),
    ("ko", "한국 \u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ("lo", "໒໐໒໑ 2021"),
    ("pl", "wojna wojny"),
    ("pl", "Łódź lodz ŁÓDŹ"),
    ("pt", "nação nacao NAÇÃO"),
    ("ro", "școală şcoală"),
    ("ru", "ёлка елки ЁЛКИ"),
    ("ru", "Harbours harbour"),
    ("sr", "књига knjiga књиге knjige"),
    ("sr", "đak djak ђак"),
    ("sv", "Malmö malmo"),
    ("th", "๒๕๖๔ 2564"),
    ("tr", "IŞIK ışık ışıklar"),
    ("tr", "İstanbul istanbul İSTANBUL"),
    ("tr", "ISPARTA Isparta ısparta"),
    ("uk", "п'ять п’ять пʼять"),
    ("ur", "ہے ہي"),
    ("vi", "hòa hoà HÒA"),
    ("vi", "đường Đường đu\u031bo\u031b\u0300ng"),
    ("zh", "Ｈａｒｂｏｕｒ harbours"),
]
# Words that must not match each other.
DIFFERENT = [
    ("vi", "má", "mà"),
    ("tr", "kitap", "kat"),
    ("ur", "پتھر", "پتہر"),
    ("ja", "ハハ", "パパ"),
    ("th", "กา", "การ"),
]


@pytest.mark.parametrize(("language", "words"), SPELLINGS)
def test_spellings_of_a_word_find_each_other(language: str, words: str) -> None:
    analysis = get_analyzer(language)
    first, *others = words.split(" ")
    wanted = analysis.tokenize(first)
    for other in others:
        # As queries match documents: by stem, or by word where accents may be missing.
        for token, own in zip(analysis.tokenize(other), wanted, strict=True):
            assert token.stem == own.stem or (analysis.matches_words(token) and token.word == own.word)


@pytest.mark.parametrize(("language", "one", "other"), DIFFERENT)
def test_different_words_stay_apart(language: str, one: str, other: str) -> None:
    analysis = get_analyzer(language)
    assert [token.stem for token in analysis.tokenize(one)] != [
        token.stem for token in analysis.tokenize(other)
    ]


@pytest.mark.parametrize("language", sorted(SNOWBALL))
def test_every_stemmer_exists_and_never_returns_an_empty_stem(language: str) -> None:
    assert all(get_analyzer(language).analyze("harbour a 1984 ж 東")[0])


@pytest.mark.parametrize(
    ("text", "stems"),
    [
        ("ประเทศไทย", ["ประ", "ระเท", "เทศ", "ศไท", "ไทย", "ย"]),
        ("ພາສາລາວ", ["ພາສາ", "ສາລາ", "ລາວ", "ວ"]),
        ("ភាសាខ្មែរ", ["ភាសា", "សាខ្មែ", "ខ្មែរ", "រ"]),
        ("မြန်မာ", ["မြန်", "န်မာ", "မာ"]),
        ("東京都", ["東京", "京都", "都"]),
        ("한국의", ["한국", "국의", "의"]),
        ("។ ၊ 、。", []),
    ],
)
def test_scripts_without_spaces_become_bigrams_of_whole_units(text: str, stems: list[str]) -> None:
    assert get_analyzer("en").analyze(text) == (stems, stems)


@given(st.text(alphabet="กาเ้ำใะทยສາເລາວខ្ម្មែរမြန်မာ東京カ\u3099ｶﾞ한\u1112\u1161\u11ab", min_size=1))
def test_the_bigrams_of_a_run_cover_it_without_a_gap(run: str) -> None:
    for token in (grams := split_bigrams(run)):
        assert token[0]
        assert 0 <= token[1] < token[2] <= len(run)
    assert grams[0][1] == 0
    assert grams[-1][2] == len(run)
    assert all(later[1] <= grams[place][2] for place, later in enumerate(grams[1:]))


def test_a_unit_is_a_character_with_its_marks_and_vowels() -> None:
    assert [is_unit(text) for text in ("東", "เท", "東京", "a")] == [True, True, False, False]
    assert unit_end("การ", 0) == 2
    assert [is_unspaced(text) for text in ("カ", "๒", "a")] == [True, False, False]


@pytest.mark.parametrize(
    ("code", "base"),
    [
        ("de-AT", "de"),
        ("DE_at", "de"),
        ("deu", "de"),
        ("zh-Hant", "zh"),
        ("iw", "he"),
        ("xx", "xx"),
        ("", ""),
    ],
)
def test_a_language_goes_by_its_short_code(code: str, base: str) -> None:
    assert base_language(code) == base


def test_languages_that_are_analysed_alike_share_an_analyzer() -> None:
    assert get_analyzer("en-US") is get_analyzer("eng")
    assert get_analyzer("ja") is get_analyzer("zh")
    assert get_analyzer("ja") is not get_analyzer("xx")


def test_stop_words_are_known_by_any_code() -> None:
    assert "fur" in stop_words("deu") == stop_words("de-CH")


@pytest.mark.parametrize("text", ["Łódź", "हिन्दी", "والقاهرة", "ŒUVRE Æ", "IŞIK", "½ ﬁ", "١٢٣"])
def test_normalization_is_idempotent(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)
    assert put_tone_last(put_tone_last("hòa")) == put_tone_last("hoà")


ARCHIVE = {
    "en": "The ferries cross the harbour every morning, and fishermen mend their nets beside the lighthouse.",
    "de": "Die Fischer flicken ihre Netze neben dem Leuchtturm, während die Fähren jeden Morgen auslaufen.",
    "fr": "Les pêcheurs réparent leurs filets près du phare pendant que les navires quittent l'estuaire.",
    "es": "Los pescadores remiendan sus redes junto al faro y los barcos dejan el puerto por la mañana.",
    "ru": "Рыбаки чинят сети возле маяка, а паромы каждое утро выходят из гавани.",
    "ar": "يصلح الصيادون شباكهم بجانب المنارة وتغادر العبارات الميناء كل صباح.",
    "el": "Οι ψαράδες μπαλώνουν τα δίχτυα τους δίπλα στον φάρο και τα πλοία φεύγουν κάθε πρωί.",
    "zh": "漁民在燈塔旁邊修補漁網，渡輪每天早上離開碼頭。",
    "th": "ชาวประมงซ่อมแหข้างประภาคารและเรือข้ามฟากออกจากท่าทุกเช้า",
    "hi": "मछुआरे प्रकाशस्तंभ के पास अपने जाल ठीक करते हैं और नावें हर सुबह बंदरगाह से निकलती हैं।",
    "tr": "Balıkçılar deniz fenerinin yanında ağlarını onarıyor ve vapurlar her sabah limandan ayrılıyor.",
    "ko": "어부들은 등대 옆에서 그물을 고치고 여객선은 매일 아침 항구를 떠난다.",
}
QUERIES = [
    ("fishermens net", "en", ["fishermen", "nets"]),
    ("fischern netz", "de", ["Fischer", "Netze"]),
    ("pecheur filet", "fr", ["pêcheurs", "filets"]),
    ("estuaire", "fr", ["l'estuaire"]),
    ("pescador MANANA", "es", ["pescadores", "mañana"]),
    ("сеть маяк", "ru", ["сети", "маяка"]),
    ("الصيادون منارة", "ar", ["الصيادون", "المنارة"]),
    ("ΨΑΡΑΔΕΣ φαρο", "el", ["ψαράδες", "φάρο"]),
    ("燈塔 渡輪", "zh", ["燈塔", "渡輪"]),
    ("ประภาคาร", "th", ["ประภาคาร"]),
    ("जाल बन्दरगाह", "hi", ["जाल", "बंदरगाह"]),
    ("BALIKÇI liman", "tr", ["Balıkçılar", "limandan"]),
    ("등대 그물", "ko", ["등대", "그물"]),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """A dozen languages, none of them stated, and one article whose language is."""
    index = open_index(tmp_path_factory.mktemp("languages"))
    index.put(Article(id=name, title="", paragraphs=[text]) for name, text in ARCHIVE.items())
    index.put([Article(id="stated", title="Haus am See", language="de-AT")])
    return index


@pytest.mark.parametrize(("query", "article", "marked"), QUERIES)
def test_a_query_in_any_language_finds_and_highlights_its_article(
    archive: Index, query: str, article: str, marked: list[str]
) -> None:
    page = archive.search(query)
    assert page.total >= 1
    hit = page.hits[0]
    assert hit.article.id == article
    (passage,) = hit.passages
    found = [passage.text[start:end] for start, end in passage.spans]
    assert found == marked


def test_a_hit_has_its_language_and_whether_it_was_detected(archive: Index) -> None:
    (guessed,) = archive.search("燈塔").hits
    assert (guessed.article.language, guessed.article.language_stated) == ("zh", False)
    assert guessed.as_json()["article"]["language_stated"] is False
    (stated,) = archive.search("title:haus").hits
    assert (stated.article.language, stated.article.language_stated) == ("de-AT", True)
    assert archive.get_article("zh").language is None


def test_the_status_counts_the_detected_languages(archive: Index) -> None:
    assert set(archive.get_status().languages) == {*ARCHIVE, "de-AT"}


def test_highlights_follow_the_language_of_the_article(tmp_path: Path) -> None:
    # A stem of one language may be another word of the other: French stems "harbour" no further.
    index = open_index(tmp_path)
    index.put(
        [
            Article(id="en", paragraphs=["Harbours and the harbour."], language="en"),
            Article(id="fr", paragraphs=["Harbours et harbour."], language="fr"),
            Article(id="de", paragraphs=["Canings und Caning"], language="de"),
        ]
    )
    hits = {hit.article.id: hit.passages[0] for hit in index.search("canings").hits}
    assert {name: [p.text[a:b] for a, b in p.spans] for name, p in hits.items()} == {
        "de": [word for word in ("Canings", "Caning") if "caning/de" in get_analyzer("de").analyze(word)[0]]
    }
    for name, analysis in (("en", get_analyzer("en")), ("fr", get_analyzer("fr"))):
        article = index.mark_article(name, "harbours")
        text = article.paragraphs[0].text
        found = [text[a:b] for a, b in article.paragraphs[0].spans]
        stems = {stem for code in ("en", "fr", "de") for stem in get_analyzer(code).analyze("harbours")[0]}
        assert found == [t for t in ("Harbours", "harbour") if stems & {*analysis.analyze(t)[0]}]


def test_the_parts_of_a_run_are_searched_if_no_article_has_the_whole(archive: Index) -> None:
    page = archive.search("漁民離開巴黎碼頭")
    assert (page.total, page.partial) == (0, 1)
    (hit,) = page.hits
    assert hit.article.id == "zh"
    assert hit.missing == ("民離", "開巴黎碼")
    assert [hit.passages[0].text[a:b] for a, b in hit.passages[0].spans] == ["漁民", "離開", "碼頭"]


def test_the_parts_of_a_hyphenated_word_count_less_than_the_whole(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put(
        [
            Article(id="whole", paragraphs=["The light-house stands."]),
            Article(id="parts", paragraphs=["A house with light."]),
            Article(id="none", paragraphs=["A ship."]),
        ]
    )
    page = index.search("light-house")
    assert [hit.article.id for hit in page.hits] == ["whole", "parts"]
    assert (page.total, page.partial) == (1, 1)


def test_a_run_is_split_up_to_a_bound_with_a_note(archive: Index) -> None:
    page = archive.search("".join(chr(0x4E00 + place) for place in range(200)))
    assert any("Only the first 128 parts" in note.message for note in page.notes)


def test_common_words_are_those_of_the_language_of_the_article(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.put(
        [
            Article(id="en", paragraphs=["The die is cast."], language="en"),
            Article(id="en2", paragraphs=["The harbour."], language="en"),
            Article(id="de", paragraphs=["Die Würfel sind gefallen, die Schiffe fahren."], language="de"),
        ]
    )
    assert "words: the, is." in index.search("the die is cast").notes[0].message
    page = index.search("die Schiffe sind")
    # "die" is a word like any other in English, which a partial match may have.
    assert (page.total, [hit.article.id for hit in page.hits]) == (1, ["de", "en"])
    assert page.notes[0].values == {"clauses": ("die", "sind"), "first": "die", "languages": "de"}


def test_a_few_wrong_detections_do_not_change_the_common_words(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    articles = [Article(id=f"a{n}", paragraphs=["Van parked."], language="en") for n in range(30)]
    index.put([*articles, Article(id="nl", paragraphs=["van de haven"], language="nl")])
    assert index.search("van parked").notes == ()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        *ARCHIVE.items(),
        *SPELLINGS,
        ("he", 'דובר צה"ל אמר "שלום" ו"להתראות". ארה"ב, צה"לי 5"א א"1'),
        ("en", 'דובר צה"ל said "hello"'),
        ("tr", "IŞIK ISPARTA'DA, İZMİR IRMAK Istanbul"),
        ("fa", "می‌روم و کتاب‌های"),
    ],
)
def test_documents_and_queries_have_the_same_terms(language: str, text: str) -> None:
    gatherer = Gatherer("en")
    gatherer.add(Article(id="a", title=text, paragraphs=[text, text], language=language))
    chunk = gatherer.take()
    forms = [f"{token.stem}{SEPARATOR}{token.word}" for token in get_analyzer(language).tokenize(text)]
    assert in_order(chunk.titles, chunk.forms.split("\n")) == forms
    assert in_order(chunk.texts, chunk.forms.split("\n")) == forms * 2


def in_order(run: Run, forms: list[str]) -> list[str]:
    """The forms of a run in the order of its texts."""
    order = np.lexsort((run.positions, run.texts))
    return [forms[number] for number in run.forms[order]]
