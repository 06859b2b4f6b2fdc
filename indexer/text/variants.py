"""Other spellings and irregular forms of English words, which no stemmer brings together.

`colour` is also `color`, `nationalisation` also `nationalization`, `women` also `woman`, and `bought` also
`buy`. The tables hold facts of the language; a form that would often mean something else (`found` for `find`,
`left` for `leave`) is not in them, or is found without finding the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import Stemmer

LANGUAGE = "en"
"""The language of these words."""

# Each group has the forms of one word. A form after an asterisk is found by the others, but does not find
# them, since it is also a word of its own.
_IRREGULAR = """
arise arose arisen, awake awoke awoken, beat beaten, become became, begin began begun, bend bent, bite
bitten, bleed bled, blow blew blown, break broke broken, breed bred, bring brought, build built, burn burnt,
buy bought, catch caught, choose chose chosen, cling clung, come came, creep crept, deal dealt, dig dug,
draw drew drawn, dream dreamt, drink drank drunk, drive drove driven, dwell dwelt, eat ate eaten, fall *fell
fallen, feed *fed, feel *felt, fight fought, flee fled, fly flew flown, forbid forbade forbidden, foresee
foresaw foreseen, forget forgot forgotten, forgive forgave forgiven, freeze froze frozen, give gave given,
go went gone, grow grew grown, hear heard, hide hid hidden, hold held, keep kept, kneel knelt, know knew
known, lay laid, lead led, leap leapt, learn learnt, lend lent, light lit, lose lost, make made, mean meant,
meet *met, mislead misled, mistake mistook mistaken, misunderstand misunderstood, overcome overcame, oversee
oversaw overseen, overtake overtook overtaken, overthrow overthrew overthrown, pay paid, prove proven,
rebuild rebuilt, repay repaid, rewrite rewrote rewritten, ride rode ridden, rise *rose risen, run ran, say
said, see *saw seen, seek sought, sell sold, send sent, shake shook shaken, shine shone, shoot *shot, show
shown, shrink shrank shrunk, sing sang sung, sink sank sunk, sit sat, slay slew slain, sleep slept, slide
slid, speak spoke spoken, speed sped, spell spelt, spend spent, spill spilt, spin spun, spoil spoilt, spring
sprang sprung, stand stood, steal stole stolen, stick stuck, sting stung, stink stank, strike struck, strive
strove striven, swear swore sworn, sweep swept, swell swollen, swim swam swum, swing swung, take took taken,
teach taught, tear tore torn, tell told, think thought, throw threw thrown, tread trod trodden, undergo
underwent undergone, understand understood, undertake undertook undertaken, undo undid undone, uphold
upheld, wake woke woken, wear wore worn, weave wove woven, weep wept, win won, withdraw withdrew withdrawn,
withhold withheld, withstand withstood, write wrote written,

bacterium bacteria, calf calves, child children, foot feet, goose geese, half halves, hoof hooves, knife
knives, loaf loaves, louse lice, mouse mice, ox oxen, scarf scarves, shelf shelves, thief thieves, tooth
teeth, wharf wharves, wife wives, wolf wolves, penny pence, analysis analyses, crisis crises, diagnosis
diagnoses, emphasis emphases, hypothesis hypotheses, oasis oases, parenthesis parentheses, synthesis
syntheses, thesis theses, alga algae, alumnus alumni, antenna antennae, appendix appendices, cactus cacti,
consortium consortia, criterion criteria, curriculum curricula, focus foci, formula formulae, fungus fungi,
index indices, larva larvae, matrix matrices, memorandum memoranda, millennium millennia, nebula nebulae,
nucleus nuclei, phenomenon phenomena, radius radii, referendum referenda, spectrum spectra, stadium stadia,
stimulus stimuli, stratum strata, syllabus syllabi, symposium symposia, vertebra vertebrae, vertex vertices,
bureau bureaux, chateau chateaux, plateau plateaux, tableau tableaux
"""
# British and American spellings of a word that are not made by a rule.
_SPELLINGS = """
calibre caliber, centre center, centimetre centimeter, epicentre epicenter, fibre fiber, kilometre
kilometer, litre liter, louvre louver, lustre luster, manoeuvre maneuver, meagre meager, metre meter,
millimetre millimeter, ochre ocher, sabre saber, sceptre scepter, sepulchre sepulcher, sombre somber,
spectre specter, theatre theater, analogue analog, catalogue catalog, dialogue dialog, epilogue epilog,
monologue monolog, prologue prolog, defence defense, licence license, offence offense, pretence pretense,
practice practise, acknowledgement acknowledgment, ageing aging, aluminium aluminum, artefact artifact, axe
ax, cosy cozy, doughnut donut, enrol enroll, enrolment enrollment, fulfil fulfill, fulfilment fulfillment,
furore furor, gaol jail, grey gray, instalment installment, instil instill, distil distill, jewellery
jewelry, judgement judgment, marvellous marvelous, moustache mustache, omelette omelet, plough plow,
programme program, pyjamas pajamas, skilful skillful, tsar czar, whisky whiskey, wilful willful, woollen
woolen, yoghurt yogurt, kidnapped kidnaped, worshipped worshiped, focussed focused, biassed biased
"""
# British English doubles the last letter of these verbs before a suffix.
_DOUBLED = """
bevel cancel channel chisel counsel cruel dial duel enamel equal fuel grovel imperil initial jewel label
level libel marshal marvel medal model panel parcel pedal pencil peril pummel quarrel ravel unravel revel
rival shovel shrivel signal snivel spiral stencil swivel total towel travel trowel tunnel
"""
# How words begin in British and in American English.
_BEGINNINGS = """
arbour arbor, ardour ardor, armour armor, behaviour behavior, candour candor, clamour clamor, colour color,
discolour discolor, demeanour demeanor, endeavour endeavor, favour favor, unfavour unfavor, fervour fervor,
flavour flavor, harbour harbor, honour honor, dishonour dishonor, humour humor, labour labor, misdemeanour
misdemeanor, neighbour neighbor, odour odor, parlour parlor, rancour rancor, rigour rigor, rumour rumor,
saviour savior, savour savor, splendour splendor, tumour tumor, valour valor, vapour vapor, vigour vigor,
mould mold, moult molt, smoulder smolder, sceptic skeptic, sulph sulf, aesthe esthe, anaem anem, anaesth
anesth, archaeolog archeolog, caesar cesar, diarrhoea diarrhea, encyclopaed encycloped, faec fec, foet fet,
gynaecolog gynecolog, haem hem, homoeopath homeopath, leukaem leukem, mediaeval medieval, oesophag esophag,
oestrogen estrogen, orthopaed orthoped, paediatr pediatr, paedophil pedophil, palaeo paleo
"""
# Rules for endings, each in both directions. A form that is no word does no harm: no text has it.
_ENDINGS = (
    (re.compile(r"(?<=..)is(?=(?:e[drs]?|ers|ing|ations?|ational)$)"), "iz"),
    (re.compile(r"(?<=..)iz(?=(?:e[drs]?|ers|ing|ations?|ational)$)"), "is"),
    (re.compile(r"(?<=..)ys(?=(?:e[drs]?|ers|ing)$)"), "yz"),
    (re.compile(r"(?<=..)yz(?=(?:e[drs]?|ers|ing)$)"), "ys"),
    (re.compile(r"(?<=..)man$"), "men"),
    (re.compile(r"(?<=..)men$"), "man"),
)
_NOT_BY_ENDING = frozenset({"prise", "prised", "prises", "prize", "prized", "prizes"})


def list_variants(word: str) -> list[str]:
    """Return the other spellings and forms of a normalized English word, of which not all are words.

    The forms that a stemmer brings together are not listed apart.
    """
    found = [*_list_group(word), *_respell(word)]
    return list(dict.fromkeys(form for form in found if form != word))


def _list_group(word: str) -> tuple[str, ...]:
    return _read_groups().get(_stem(word), ())


def _respell(word: str) -> Iterator[str]:
    for ending, other in _ENDINGS:
        if word not in _NOT_BY_ENDING and ending.search(word):
            yield ending.sub(other, word)
    beginnings = _read_beginnings()
    for length in range(1, len(word) + 1):
        if word[:length] in beginnings:
            yield beginnings[word[:length]] + word[length:]


@cache
def _read_groups() -> dict[str, tuple[str, ...]]:
    """The forms of each group by the stems of those that find the others."""
    groups = [*map(str.split, _IRREGULAR.split(",")), *_read_pairs(_SPELLINGS)]
    for verb in _DOUBLED.split():
        last = verb[-1]
        groups += [[f"{verb}{last}{ending}", f"{verb}{ending}"] for ending in ("ed", "ing", "er")]
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        forms = [form.lstrip("*") for form in group]
        for form in group:
            if not form.startswith("*"):
                found.setdefault(_stem(form), {}).update(dict.fromkeys(forms))
    return {stem: tuple(forms) for stem, forms in found.items()}


@cache
def _read_beginnings() -> dict[str, str]:
    """The British beginning of each American one, and the other way round."""
    pairs = _read_pairs(_BEGINNINGS)
    return {start: other for pair in pairs for start, other in (pair, reversed(pair))}


def _read_pairs(table: str) -> list[list[str]]:
    return [pair.split() for pair in table.split(",")]


def _stem(word: str) -> str:
    # A stemmer keeps state during a call, so that threads must not share one.
    stem: str = Stemmer.Stemmer("english", 0).stemWord(word)
    return stem
