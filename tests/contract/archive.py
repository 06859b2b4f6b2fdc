"""An archive of invented articles: several languages, dates of every precision, near-duplicates, odd words.

Every place, person and sentence is made up. Tests name articles by their ids, so what a test expects can be
checked by reading here.
"""

from __future__ import annotations

from datetime import date

from indexer import Article

TODAY = date(2024, 6, 15)
"""The day that "last week" in a query is reckoned from: a Saturday."""

COAST, NEWS, HILLS = "https://www.coast.example", "https://news.coast.example", "https://hills.example"

_STORM = (
    "A storm that crossed the strait on Tuesday took nine roofs, two boats and the weathercock of a chapel.",
    "Neighbours carried a piano into the schoolhouse; sixty people spent the night on gym mats and sang.",
    "By morning the wind had turned, the strait was as smooth as slate, and somebody had the weathercock.",
)

ENGLISH = (
    Article(
        "ferry",
        "Night ferry returns to Osterby",
        (
            "The night ferry left Osterby harbour with forty passengers and a brass band.",
            "Its captain said the tide tables had been printed upside down.",
            "Tickets are sold at the pier until the last lantern goes out.",
        ),
        "2021-11-05T21:01",
        "en",
        f"{COAST}/ferry",
        "wire/coast",
    ),
    Article(
        "crane",
        "Harbour crane gets a coat of paint",
        (
            "The old harbour crane was painted yellow, as the council had promised.",
            "Nobody could say who owned the ladder.",
        ),
        "2021-03",
        "en",
        f"{NEWS}/crane",
        "wire/coast",
    ),
    Article(
        "lantern",
        "Lantern makers refuse to work by day",
        (
            "The lantern makers of Osterby work at night and sleep at noon.",
            "A lantern needs glass, a wick and patience; good lanterns need an apprentice too.",
        ),
        "2022",
        "en",
        f"{HILLS}/lantern",
        "wire/town",
    ),
    Article(
        "orchard",
        "Orchard road closed for the apple fair",
        (
            "The orchard road stays closed while apples are weighed.",
            "A ring road leads around the fair, past the yellow ladder shop.",
        ),
        "2020-09-14",
        "en",
        f"{HILLS}/orchard",
        "wire/town",
    ),
    Article(
        "inn",
        "Rope and Anchor changes hands",
        (
            "The Rope and Anchor has a new keeper, Ilse Moravec of Osterby.",
            "She paid with old coins and a barrel of herring.",
        ),
        "2021-11-05",
        "en",
        f"{COAST}/inn",
        "wire/coast",
    ),
    Article(
        "divers",
        "Divers bring up an anchor",
        (
            "An anchor came up first, and a rope after it, said the divers.",
            "The rope was older than the inn, the coins were older than the rope.",
        ),
        "2021-11",
        "en",
        None,
        "letters",
    ),
    Article(
        "bridge",
        "Bridge toll rises to 3.50 crowns",
        (
            "The toll was 1,250 crowns a year; it is 3.50 crowns a crossing now.",
            "Drivers from Upper Mill and from Lower Mill don't agree on anything else.",
        ),
        "2019-08-12T06:30",
        "en",
        f"{HILLS}/bridge",
        "wire/town",
    ),
    Article(
        "flood",
        "Flood marks on the mill wall",
        (
            "The flood of 1913 reached the second window of the mill.",
            "Water stood in the bakery for nine days, and bread was baked in a boat.",
        ),
        "2013-02-09",
        "en",
        f"{HILLS}/flood",
        "wire/town",
    ),
    Article(
        "bakery",
        "Bakery sells half-moon bread",
        (
            "The bakery sells half-moon bread on weekdays.",
            "Dr. Tomas O’Halloran of the kelp-9 laboratory eats one a day.",
        ),
        "2022-06",
        "en",
        None,
        "letters",
    ),
    Article(
        "school",
        "Shepherds learn to program",
        (
            "Shepherds learn C++ in the barn, and R&D has a hut of its own.",
            "Write to @barnschool or follow #woolcode, the teacher said.",
        ),
        "2021-11-06",
        "en",
        "https://barn.example/school",
        None,
    ),
    Article("lighthouse", "Lighthouse for sale, stairs not included", language="en"),
    Article(
        "library",
        "Library book comes back",
        (
            "A book on tides came back with a pressed fern in it.",
            "The fine would have bought the library a second roof.",
        ),
        "1931",
        "en",
        None,
        "letters",
    ),
    Article(
        "clock",
        "Town clock strikes thirteen",
        (
            "The town clock struck thirteen, and the watchman went home an hour late.",
            "Its maker says that the striking was intended.",
        ),
        "2023-01-01T00:13",
        "en",
        f"{NEWS}/clock",
        "wire/town",
    ),
    Article(
        "envoy",
        "Envoy drinks tea on the quay",
        ("The US envoy drank tea on the quay and praised the kettle.",),
        "2023-04-02",
        "en",
        f"{COAST}/envoy",
        "wire/coast",
    ),
    Article(
        "choir",
        "Choir looks for a bass",
        ("Sing with us, the choir wrote on the kettle; one of us is leaving.",),
        "2023-04-03",
        "en",
        None,
        "letters",
    ),
    Article(
        "tram",
        "Night trams on Sundays",
        (
            "Night trams will run on Sundays, said the transport office.",
            "The last tram waits for the ferry, unless the ferry is asleep.",
        ),
        "2021-11-05",
        "en",
        f"{COAST}/tram",
        "wire/town",
    ),
    Article(
        "pier",
        "Colour of the pier disputed",
        ("The colour of the pier is disputed; the harbour board calls it a grey area.",),
        "2023-05",
        "en-GB",
        f"{COAST}/pier",
        "wire/coast",
    ),
    Article(
        "charter",
        "Charter of the salt market",
        ("The salt market may be held each spring, says the charter, and no goose shall be weighed twice.",),
        "0987",
        "en",
        None,
        None,
    ),
    Article(
        "hive",
        "Bees move into the bell tower",
        (
            "A swarm of bees moved into the bell tower, and the beekeeper followed with a veil and a ladder.",
            "The honey tastes of bronze, the beekeeper said.",
        ),
        "2020-05-20",
        "en",
        f"{HILLS}/hive",
        "wire/town",
    ),
    Article(
        "honey",
        "Beekeeper sells honey by the bell",
        (
            "The beekeeper rings a bell when there is honey from the tower.",
            "Her bees sleep through it.",
        ),
        "2020-06-01",
        "en",
        f"{HILLS}/honey",
        "wire/town",
    ),
    Article(
        "veil",
        "Wedding veil caught in a tree",
        ("A veil flew from the tower and was caught in a pear tree.",),
        "2020-06-08",
        "en",
        None,
        "letters",
    ),
    Article(
        "chronicle",
        "Chronicle of a quiet street",
        (
            "A street of forty doors has kept a chronicle since the year of the great frost, "
            + "when a cooper, two widows and a seller of combs agreed to write down whatever happened, "
            + "however small, and to read it aloud on the longest night. "
            + "Most entries are about weather, cats, and the price of candles. "
            + "One page tells of a marmalade so bitter that the whole street gave up breakfast for a week, "
            + "and of a boy who ate it all the same and later became a judge. "
            + "Another page is blank but for the word thursday, underlined three times. "
            + "The chronicle is kept in a hatbox under the stairs of the corner house, "
            + "and whoever moves in must promise to go on with it until the hatbox is full.",
            "The cooper wrote about barrels.",
            "The first widow wrote about barrels and rain.",
            "The second widow wrote about rain.",
            "The seller of combs wrote about barrels, combs and rain, in rhyme.",
            "Later writers added barrels of their own.",
        ),
        "2018-12-21",
        "en",
        None,
        "letters",
    ),
    Article(
        "regatta",
        "Regatta for bathtubs",
        ("Eleven bathtubs crossed the strait, and one of them had a sail.",),
        "2024-06-05",
        "en",
        f"{NEWS}/regatta",
        "wire/coast",
    ),
    Article(
        "bunting",
        "Bunting left over",
        ("Bunting from the regatta is given away at the pier.",),
        "2024-06-14",
        "en",
        None,
        "letters",
    ),
    Article("storm", "Storm takes nine roofs", _STORM, "2021-12-01", "en", f"{COAST}/storm", "wire/coast"),
    Article(
        "storm-copy",
        "Weathercock found after the storm",
        _STORM,
        "2021-12-02",
        "en",
        f"{HILLS}/storm",
        "wire/town",
    ),
    Article(
        "storm-edit",
        "Storm takes ten roofs",
        (_STORM[0].replace("nine", "ten"), *_STORM[1:]),
        "2021-12-03",
        "en",
        None,
        "letters",
    ),
    Article(
        "gale",
        "A gale is not a storm, says the ferryman",
        ("A storm has a name, and a gale only a number, says the ferryman of the strait.",),
        "2021-12-04",
        "en",
        None,
        "letters",
    ),
)

OTHERS = (
    Article(
        "hafen",
        "Der Hafen wird größer",
        (
            "Die Fähren fahren wieder, sagte Bürgermeister Müller.",
            "Die Straße zum Hafen bleibt im Winter offen, alle Häfen der Insel auch.",
        ),
        "2021-11-07",
        "de",
        "https://hafen.example/1",
        "wire/coast",
    ),
    Article(
        "apfel",
        "Apfelkuchen für alle",
        ("Im Garten der Schule wurde Apfelkuchen gebacken, und das Haus roch bis in die Gasse.",),
        "2020-10",
        "de",
        None,
        "letters",
    ),
    Article(
        "phare",
        "Le phare de l’île reste allumé",
        (
            "Les élèves de l’école ont repeint le phare en une journée.",
            "L’été, le gardien joue du violon pour les bateaux.",
        ),
        "2022-07-14",
        "fr",
        "https://phare.example/1",
        "wire/coast",
    ),
    Article(
        "faro",
        "Canciones para el faro",
        (
            "Las canciones del puerto vuelven cada otoño, dijo el farero.",
            "Un niño canta la última canción desde la ventana.",
        ),
        "2022-10-12",
        "es",
        "https://faro.example/1",
        "wire/coast",
    ),
    Article(
        "mina",
        "الميناء القديم يفتح أبوابه",
        ("قال المدير إن الميناء القديم يستقبل السفن كل صباح.", "وصلت سفينة من القاهرة تحمل كتابا كبيرا."),
        "2021-05-03",
        "ar",
        "https://mina.example/1",
        "wire/coast",
    ),
    Article(
        "gangkou",
        "旧港口重新开放",
        ("渡轮每天晚上从旧港口出发。", "图书馆收到了一本九十年前的书。"),
        "2021-01-20",
        "zh",
        "https://minato.example/zh",
        None,
    ),
    Article(
        "minato",
        "古い港の灯台",
        ("古い港の灯台は今夜も光る。", "東京都から来た船長が歌った。"),
        "2023-01-02",
        "ja",
        "https://minato.example/ja",
        None,
    ),
    Article("hanggu", "항구의 등대", ("항구의 등대가 오늘 밤 다시 켜졌다.",), "2023-02", "ko"),
    Article("prathip", "ประภาคารเก่า", ("ประภาคารเก่าเปิดไฟทุกคืน",), "2023-03", "th"),
    Article(
        "mayak",
        "Старый маяк",
        ("Старый маяк снова светит, сказал смотритель.", "Ёлки у маяка стоят в снегу."),
        "2022-12-31T23:59",
        "ru",
        "https://mayak.example/1",
    ),
    Article("fener", "Fener ışıkları", ("Eski fener ışıkları İstanbul yolunda yandı.",), "2022-11", "tr"),
    Article("statek", "Statek wraca do portu", ("Stary statek wrócił do Łodzi drogą.",), "2022-11-02", "pl"),
    Article(
        "unstated",
        "La vieille horloge sonne encore",
        (
            "La vieille horloge du village sonne encore tous les soirs, et les habitants disent que personne "
            + "ne sait pourquoi elle s’arrête toujours quand les enfants dorment.",
        ),
        "2022-08",
    ),
)

ARTICLES = (*ENGLISH, *OTHERS)
