"""The same articles in an embedded index and on a node, to compare what queries match."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from indexer import Article, FieldType
from indexer.engine import QueryContext, match_filter, run_query
from indexer.opensearch import mapping
from indexer.opensearch.cluster import Action, Cluster
from indexer.opensearch.dsl import NOTHING, Dsl, match_all
from indexer.opensearch.queries import TranslationContext, TreeQuery, translate
from indexer.query import FilterNode, Query, expand_synonyms, list_neighbours, parse_query
from indexer.text.synonyms import Synonyms
from tests.contract.archive import TODAY
from tests.engine.bare_index import BareIndex
from tests.opensearch.documents import documents_of

FIELDS = {"summary": FieldType("text", weight=2.5), "lead": FieldType("text", weight=0.5)}
# Forms of one stem, words of several tokens or none, words that languages stem or write apart, words that are
# common in one language, variants of words.
WORDS = [
    *["harbour", "harbours", "harbor", "vaccine", "vaccinated", "road", "roads", "the", "of", "sea", "in"],
    *["US", "us", "WHO", "who", "Will", "will", "Smith", "Zürich", "zurich", "covid-19", "covid19", "covid"],
    *["東京都", "東京", "京", "don't", "R&D", "C++", "@roadlab", "#sea", "1,000", "½", "Häuser", "haus"],
    *["educación", "educacion", "canciones", "l'été", "été", "été 11", "l'11", "😀", "war", "die", "hòa"],
    *["hoa", "co-operation", "cooperation", "co operation", "women", "woman", "sur-la", "x" * 70],
]
LANGUAGES = [None, "en-GB", "de", "es", "fr", "vi", "ja", "haw", "sw", "en", "en"]


def make_articles(seed: int, count: int, languages: Sequence[str | None] = LANGUAGES) -> list[Article]:
    """Articles of random words, of which a few are common."""
    chance = random.Random(seed)

    def make_text(most: int) -> str:
        places = (int(chance.expovariate(0.1)) for _ in range(chance.randint(0, most)))
        return " ".join(WORDS[min(place, len(WORDS) - 1)] for place in places)

    return [
        Article(
            f"a{number}",
            make_text(4),
            [make_text(14) for _ in range(chance.choice([0, 1, 1, 2, 3, 6]))],
            language=chance.choice(languages),
            fields={name: text for name in FIELDS if chance.random() < 0.3 and (text := make_text(8))},
        )
        for number in range(count)
    ]


class Both:
    """Articles in an embedded index, and in an index on a cluster."""

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        name: str,
        articles: Sequence[Article],
        fields: Mapping[str, FieldType] = FIELDS,
    ) -> None:
        self.cluster, self.name, self.fields = cluster, name, fields
        index = BareIndex(folder, fields=fields)
        index.put(articles)
        self.snapshot = index.snapshot
        languages = Counter(map(self.snapshot.language, range(self.snapshot.articles)))
        self.languages = sorted(languages, key=lambda language: (-languages[language], language))
        self.requests = 0
        """How often the translation of queries has asked the cluster."""
        body = {"settings": mapping.make_settings(), "mappings": mapping.make_mapping(fields)}
        assert cluster.create_index(name, body)
        documents = documents_of(articles, fields=fields)
        cluster.bulk(
            name, [Action(str(number), json.dumps(own).encode()) for number, own in enumerate(documents)]
        )
        cluster.refresh(name)

    def parse(self, text: str, synonyms: Synonyms | None = None) -> Query:
        """The tree of a query."""
        tree = parse_query(text, today=TODAY, fields=self.fields).tree
        return expand_synonyms(tree, synonyms)[0] if synonyms else tree

    def match_embedded(self, tree: Query, *, variants: bool = True) -> tuple[set[str], set[str]]:
        """The ids of the full and the partial matches in the embedded index."""
        neighbours = list_neighbours(tree) if variants else {}
        context = QueryContext(self.snapshot, self.languages, variants=variants, neighbours=neighbours)
        found = run_query(context, tree, min_full_matches=self.snapshot.articles + 1, depth=0)
        full, partial = (
            {self.snapshot.id_of(number) for number in own.articles.tolist()}
            for own in (found.full, found.partial)
        )
        return full, partial

    def translate(self, tree: Query, *, variants: bool = True) -> TreeQuery:
        """The queries for a tree."""
        context = TranslationContext(
            self.languages,
            self.snapshot.statistics,
            self._translate_filter,
            self.count,
            variants,
            list_neighbours(tree) if variants else {},
            tuple(self.snapshot.text_names),
        )
        return translate(context, tree)

    def list_candidates(self, found: TreeQuery) -> list[str]:
        """The ids of full and partial matches, in the order of the cluster."""
        queries = [found.full, found.partial or NOTHING]
        bodies = ({"bool": {"filter": [query], "should": [*found.scoring]}} for query in queries)
        answers = self._search({"size": 1000, "query": body} for body in bodies)
        return [hit["_source"][mapping.ID] for answer in answers for hit in answer["hits"]["hits"]]

    def match(self, found: TreeQuery) -> tuple[set[str], set[str]]:
        """The ids of the full and the partial matches on the cluster."""
        full, partial = self._list_ids([found.full, found.partial or NOTHING])
        return full, partial

    def count(self, queries: Sequence[Dsl]) -> list[dict[str, int]]:
        """How many articles in each base language match each of some queries."""
        self.requests += 1
        bases = {"bases": {"terms": {"field": mapping.BASE, "size": 100}}}
        answers = self._search({"size": 0, "query": query, "aggs": bases} for query in queries)
        return [
            {own["key"]: own["doc_count"] for own in answer["aggregations"]["bases"]["buckets"]}
            for answer in answers
        ]

    def _translate_filter(self, node: FilterNode) -> Dsl:
        passing, _ = match_filter(self.snapshot, node)
        return {"terms": {mapping.ID: [self.snapshot.id_of(number) for number in passing.tolist()]}}

    def _list_ids(self, queries: Sequence[Dsl]) -> list[set[str]]:
        answers = self._search({"size": 1000, "query": match_all([query])} for query in queries)
        return [{hit["_source"][mapping.ID] for hit in answer["hits"]["hits"]} for answer in answers]

    def _search(self, bodies: Iterable[Mapping[str, Any]]) -> list[Any]:
        return self.cluster.msearch(self.name, [*bodies])
