"""How a search accounts for itself, as lines of plain text."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.receipts import ClauseReceipt, DeadEnd, HitExplanation, Receipt


def receipt_lines(receipt: Receipt) -> Iterator[str]:
    """What was understood, and each clause with what it stands for."""
    yield f"read as: {receipt.reading}"
    for clause in receipt.clauses:
        yield from _clause_lines(clause, "  ")


def clause_facts(clause: ClauseReceipt) -> str:
    """What is said of a clause beside its label: its part in the query, its articles, its words."""
    facts = [clause.role, *([f"in {' or '.join(clause.fields)}"] if clause.fields else [])]
    if clause.articles is not None:
        facts.append("1 article" if clause.articles == 1 else f"{clause.articles:,} articles")
    if clause.boost != 1.0:
        facts.append(f"counted {clause.boost:g} times")
    if clause.synonyms:
        facts.append(f"also {', '.join(clause.synonyms)}")
    if clause.words:
        more = f" and {clause.more:,} more" if clause.more else ""
        facts.append(f"stands for {', '.join(clause.words)}{more}")
    return "; ".join(facts)


def explanation_lines(explanation: HitExplanation) -> Iterator[str]:
    """The score of a hit, word by word and field by field."""
    for word in explanation.words:
        fields = " + ".join(
            f"{field.points:.3f} {field.field} ({_times(field.frequency)}, length {field.length:.2f})"
            for field in word.fields
        )
        times = "" if word.times == 1 else f", counted {word.times:g} times"
        yield f"{word.points:.3f}  {word.label}: {fields}; rarity {word.rarity:.2f}{times}"
    for pair in explanation.pairs:
        yield f"{pair.points:.3f}  {pair.label}: side by side or near"
    recency = "" if explanation.recency == 1 else f" and {explanation.recency:.3f} for recency"
    yield f"{explanation.score:.3f}  in all, with {explanation.nearness:.3f} for nearness{recency}"


def dead_end_lines(end: DeadEnd) -> Iterator[str]:
    """Why nothing was found, and what would find something."""
    yield end.reason
    for relaxation in end.relaxations:
        articles = "1 article" if relaxation.count == 1 else f"{relaxation.count:,} articles"
        options = "".join(f", without --{name}" for name in relaxation.without)
        yield f"  {articles}: {relaxation.query}  ({relaxation.change}{options})"


def _clause_lines(clause: ClauseReceipt, indent: str) -> Iterator[str]:
    yield f"{indent}{clause.label}: {clause_facts(clause)}"
    for part in clause.clauses:
        yield from _clause_lines(part, f"{indent}  ")


def _times(number: float) -> str:
    return "once" if number == 1 else f"{number:g} times"
