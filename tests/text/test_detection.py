"""Detecting the language of an article that states none, and when the configured one is assumed."""

from __future__ import annotations

import pytest

from indexer.text.detection import detect_language

PLAIN = [
    ("ar", "تغادر العبارات الميناء كل صباح ويصلح الصيادون شباكهم بجانب المنارة القديمة."),
    ("bg", "Рибарите кърпят мрежите си до фара, а фериботите тръгват от пристанището всяка сутрин."),
    ("bn", "জেলেরা বাতিঘরের পাশে তাদের জাল মেরামত করে।"),
    (
        "ca",
        "Els pescadors reparen les xarxes al costat del far mentre els vaixells surten cada matí.",
    ),
    ("cs", "Rybáři spravují sítě vedle majáku a trajekty každé ráno odplouvají z přístavu."),
    ("da", "Fiskerne reparerer deres net ved siden af fyrtårnet, og færgerne sejler hver morgen fra havnen."),
    ("de", "Die Fähren verlassen jeden Morgen den Hafen."),
    ("el", "Τα πλοία φεύγουν κάθε πρωί από το λιμάνι."),
    ("en", "The ferries leave the harbour every morning."),
    ("es", "Los barcos salen cada mañana de la bahía y los pescadores remiendan sus redes junto al faro."),
    ("fa", "ماهیگیران تورهای خود را کنار فانوس دریایی تعمیر می‌کنند و کشتی‌ها هر روز صبح بندر را ترک می‌کنند."),
    ("fi", "Kalastajat korjaavat verkkojaan majakan vieressä, ja lautat lähtevät satamasta joka aamu."),
    ("fr", "Les navires quittent le port chaque matin et les pêcheurs réparent leurs filets."),
    ("he", "הדייגים מתקנים את הרשתות ליד המגדלור."),
    ("hi", "मछुआरे प्रकाशस्तंभ के पास अपने जाल ठीक करते हैं।"),
    ("hu", "A halászok a világítótorony mellett javítják hálóikat, a kompok pedig minden reggel kifutnak."),
    ("hy", "Ձկնորսները նորոգում են իրենց ցանցերը։"),
    (
        "id",
        "Para nelayan memperbaiki jaring mereka di samping mercusuar dan kapal feri berangkat tiap pagi.",
    ),
    ("it", "I pescatori riparano le reti accanto al faro mentre i traghetti lasciano il porto ogni mattina."),
    ("ja", "漁師たちは灯台のそばで網を直している。"),
    ("ka", "მეთევზეები ბადეებს აკეთებენ."),
    ("km", "អ្នកនេសាទជួសជុលសំណាញ់របស់ពួកគេ។"),
    ("ko", "어부들은 등대 옆에서 그물을 고친다."),
    ("lo", "ຊາວປະມົງສ້ອມແປງມອງຂອງພວກເຂົາ"),
    ("lt", "Žvejai taiso tinklus prie švyturio, o keltai kiekvieną rytą išplaukia iš uosto."),
    ("my", "တံငါသည်များသည် မီးပြတိုက်ဘေးတွင် ပိုက်များကို ပြင်ဆင်ကြသည်။"),
    ("nl", "De vissers herstellen hun netten naast de vuurtoren en de veerboten vertrekken elke ochtend."),
    ("pl", "Rybacy naprawiają sieci obok latarni morskiej, a promy każdego ranka wypływają z portu."),
    (
        "pt",
        "Os pescadores consertam as suas redes ao lado do farol e os navios saem do porto de manhã.",
    ),
    ("ro", "Pescarii își repară plasele lângă far, iar feriboturile pleacă din port în fiecare dimineață."),
    ("ru", "Рыбаки чинят сети возле маяка, а паромы каждое утро выходят из гавани."),
    ("sv", "Fiskarna lagar sina nät bredvid fyren och färjorna lämnar hamnen varje morgon."),
    ("ta", "மீனவர்கள் கலங்கரை விளக்கத்தின் அருகே வலைகளைச் சரிசெய்கிறார்கள்."),
    ("th", "ชาวประมงซ่อมแหข้างประภาคาร"),
    ("tr", "Balıkçılar deniz fenerinin yanında ağlarını onarıyor ve vapurlar her sabah limandan ayrılıyor."),
    ("uk", "Рибалки лагодять сіті біля маяка, а пороми щоранку виходять із гавані."),
    ("ur", "ماہی گیر مینار کے پاس اپنے جال ٹھیک کرتے ہیں اور کشتیاں ہر صبح بندرگاہ سے نکلتی ہیں۔"),
    ("vi", "Ngư dân vá lưới bên cạnh ngọn hải đăng và những chuyến phà rời bến mỗi buổi sáng."),
    ("zh", "漁民在燈塔旁邊修補漁網。"),
]


@pytest.mark.parametrize(("language", "text"), PLAIN)
@pytest.mark.parametrize("configured", ["en", "de", "ja"])
def test_the_language_of_prose_is_detected_whatever_is_configured(
    language: str, text: str, configured: str
) -> None:
    assert detect_language("", [text], configured) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "…",
        "2021",
        "Nutgraf",
        "Oslo, Roma, Paris",
        "SHR 34 CTS VS 1.19 DLRS",
        "x" * 500,
        "Panda",
        "A B C D",
        "Ωmega",
    ],
)
@pytest.mark.parametrize("configured", ["en", "fr", "xx"])
def test_unclear_text_is_in_the_configured_language(text: str, configured: str) -> None:
    assert detect_language(text, [], configured) == configured


def test_the_text_decides_and_the_title_only_where_there_is_none() -> None:
    german, english = dict(PLAIN)["de"], dict(PLAIN)["en"]
    assert detect_language(english, [german], "en") == "de"
    assert detect_language(german, [], "en") == "de"
    assert detect_language(german, ["", "  "], "en") in ("de", "en")


def test_foreign_names_do_not_make_another_language() -> None:
    assert (
        detect_language(
            "", ["The town of Ναύπλιο has a harbour, and the ferries leave it every morning."], "en"
        )
        == "en"
    )
    assert (
        detect_language("", ["渡輪 Star Ferry 每天早上離開 Tsim Sha Tsui 碼頭，開往中環和灣仔。"], "en")
        == "zh"
    )


def test_the_configured_language_keeps_its_region_and_its_script() -> None:
    assert detect_language("", [dict(PLAIN)["de"]], "de-AT") == "de-AT"
    assert detect_language("", [dict(PLAIN)["he"]], "yi") == "yi"


def test_closely_related_languages_count_together() -> None:
    text = "Ribari popravljaju mreže pored svjetionika, a trajekti svakog jutra isplovljavaju iz luke."
    assert detect_language("", [text], "en") in ("hr", "sr")
