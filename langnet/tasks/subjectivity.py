"""Does a sentence report, or does it judge?

What decides the label: whose judgement the sentence states. A subjective sentence states a
judgement, a taste or a feeling of its writer. An objective one reports events and facts, among
them what characters feel and believe, what was said by others, and prizes that were won; so words
of praise and blame stand in sentences of either kind, and both tell of the same people, places
and things. The distinction is that of the subjectivity data of Pang and Lee 2004 (opinions from
reviews, facts from plot summaries); every sentence here comes from a grammar of langnet's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.tasks.draw import Rules, balanced, sentences
from langnet.tasks.task import Task

__all__ = ["DESCRIPTION", "INPUT", "LABELS", "NAME", "TASK", "generate"]

NAME = "subjectivity"
INPUT = "text"
LABELS = ("subjective", "objective")
DESCRIPTION = "Read the sentence and say whether it is subjective or objective."

_SHORTEST, _LONGEST = 8, 35
"""Length of a sentence, in words."""

_SHARED: Rules = MappingProxyType(
    {
        "hero": (
            "a {trait} {trade}",
            "a {trait} {trade}",
            "a {trade} from {place}",
            "a {trait} {trade} from {place}",
            "a widowed {trade}",
            "the {trait} daughter of a {trade}",
            "a {trade} with a {voice} voice",
        ),
        "trait": (
            "young",
            "retired",
            "brilliant",
            "lonely",
            "charming",
            "clumsy",
            "famous",
            "bored",
            "ruthless",
            "gifted",
            "timid",
            "dull",
            "tired",
            "honest",
        ),
        "trade": (
            "nurse",
            "violinist",
            "detective",
            "farmer",
            "baker",
            "journalist",
            "smuggler",
            "teacher",
            "soldier",
            "photographer",
            "lawyer",
            "sailor",
            "translator",
            "thief",
        ),
        "fine": ("beautiful", "worthless", "wonderful", "terrible", "dull", "charming", "plain"),
        "voice": ("beautiful", "terrible", "wonderful", "dull"),
        "place": (
            "a fishing village",
            "a mountain town",
            "Lisbon",
            "northern Finland",
            "a suburb of Chicago",
            "Calcutta",
            "a border town",
            "the Baltic islands",
            "the old quarter of Naples",
            "rural Wales",
        ),
        "work": ("film", "novel", "play", "series", "thriller", "comedy", "drama", "romance"),
        "craft": ("script", "score", "soundtrack", "translation", "set design", "title song"),
        "sight": (
            "the castle",
            "the harbour",
            "the museum",
            "the covered market",
            "the botanical garden",
            "the coastal path",
            "the night train",
            "the island ferry",
        ),
        "device": (
            "camera",
            "kettle",
            "radio",
            "bicycle",
            "lamp",
            "coffee grinder",
            "tent",
            "sewing machine",
            "typewriter",
            "alarm clock",
            "heater",
        ),
        "dish": ("fish soup", "lamb stew", "apple cake", "potato pie", "rye bread", "lentil curry"),
        "year": tuple(str(year) for year in range(1904, 2020, 5)),
        "few": ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
        "many": (
            "twenty",
            "twenty-five",
            "thirty",
            "forty",
            "sixty",
            "ninety",
            "a hundred and ten",
            "two hundred",
        ),
    }
)

_OBJECTIVE: Rules = MappingProxyType(
    {
        "sentence": (
            "{travel}",
            "{travel}",
            "{goods}",
            "{goods}",
            "{goods}",
            "{nature}",
            "{nature}",
            "{record}",
            "{record}",
            "{story}",
        ),
        "story": (
            "{hero}, {mind}, {acts} and {acts}.",
            "{hero} {acts} and {acts}, {meanwhile}.",
            "when {hero} {acts}, {hero} {acts}.",
            "after {hero} {acts}, {hero} {acts}, {meanwhile}.",
            "set in {place} in {year}, the {work} follows {hero} who {acts}.",
            "in {place}, {hero} {acts} before {few} weeks have passed.",
            "the {work} begins in {place}, where {hero} {acts}.",
            "years after the war, {hero} {acts} and hears that {said}.",
            "{hero} writes a letter to {hero}, {mind}, and {acts}.",
            "in the last chapter {hero} {acts}, and {hero} admits that {said}.",
        ),
        "acts": (
            "{goes} to {place}",
            "{meets} {hero}",
            "{meets} {hero}",
            "sets out to look for {hero}",
            "{loses} a fortune at cards",
            "{loses} the only copy of a {fine} poem",
            "{finds} a {fine} painting by {hero}",
            "{finds} work in a {fine} hotel",
            "hides the money in a {fine} old piano",
            "hides from the police in {place}",
            "{agrees} to marry {hero}",
            "{agrees} to rob a bank in {place}",
        ),
        "goes": ("travels", "moves", "returns", "walks", "is sent"),
        "meets": ("meets", "falls in love with", "takes in", "betrays", "rescues", "is hired by"),
        "loses": ("loses", "gambles away", "is robbed of"),
        "finds": ("finds", "is offered", "is promised"),
        "agrees": ("agrees", "refuses", "is forced", "promises"),
        "mind": (
            "convinced that the marriage is a dreadful mistake",
            "tired of a beautiful but empty house",
            "who finds every party boring",
            "sure that the new neighbour is a wonderful person",
            "ashamed of a terrible secret",
            "who believes that nothing good will ever happen",
            "delighted by the news from {place}",
            "who hates the sea and loves the theatre",
            "disappointed by the daily work",
        ),
        "meanwhile": (
            "unaware that {hero} is watching",
            "hoping for a better life",
            "but the police are already waiting",
            "and a terrible storm cuts off the village",
            "as a {fine} summer comes to an end",
            "although the two have never liked each other",
        ),
        "said": (
            "the letters were never sent",
            "the wonderful stories about {place} were invented",
            "{sight} has been sold",
            "the {fine} painting is a copy",
            "the diary was written by {hero}",
            "the money has gone to {hero}",
        ),
        "travel": (
            "{sight} opened in {year} and has belonged to the town ever since a {fire}.",
            "{sight} is closed on Mondays and from {few} o'clock on public holidays.",
            "a ticket for {sight} costs {few} euros and is valid for {many} days.",
            "{sight} lies {many} kilometres from the airport and can be reached by bus.",
            "in {year} the town sold {sight} to a {trade}, who sold it again {few} years later.",
            "a poster from {year} calls {sight} the most {fine} place in the region.",
            "some {many} thousand people saw {sight} in {year}, {few} times as many as before.",
        ),
        "fire": ("great fire", "terrible flood", "long dispute", "violent storm", "bad winter"),
        "goods": (
            "the {device} weighs {few} kilograms and comes with a {few}-year warranty.",
            "the {device} was first sold in {year} and has been made in {place} ever since.",
            "the {device} was taken off the market in {year} after {many} complaints.",
            "the box contains the {device}, {few} spare parts and a manual in {few} languages.",
            "the {dish} on the menu costs {few} euros and is served until {few} o'clock.",
            "the recipe for {dish} was brought to {place} by a {trade} in {year}.",
            "an advertisement from {year} praises the {device} as a perfect present for a {trade}.",
        ),
        "nature": (
            "the {river} is {many} kilometres long and flows through {place} into the sea.",
            "the {animal} lives in {place}, weighs up to {few} kilograms and feeds on {food}.",
            "the {animal} was first described in {year} by a {trade} in a letter of {few} pages.",
            "in {year} the {river} froze for {few} weeks, and {many} ships had to wait in port.",
            "water from the {river} reaches {place} in {few} days and drives {many} mills.",
            "after {few} weeks in {place} the {animal} returns to the {river} and sheds its coat.",
        ),
        "river": ("river", "canal", "northern branch of the river", "upper river"),
        "animal": ("otter", "marsh deer", "river rat", "mountain hare", "red fox", "wild pony"),
        "food": ("fish", "insects", "seeds and roots", "small birds", "water plants"),
        "record": (
            "the {work} won the prize for the best {craft} in {year}, ahead of {many} others.",
            "the {work}, written in {few} months by a {trade}, was first shown in {year}.",
            "the {work} was produced in {place} over {few} weeks with {many} amateurs.",
            "a critic who called the {work} {fine} in {year} wrote the opposite {few} years later.",
            "the second version of the {work} from {year} has a new {craft} by a {trade}.",
            "in {year} the author calls the {work} a failure and says that {said}.",
            "the {work} about a {trade} is {many} minutes long and was made in {few} languages.",
        ),
    }
)

_SUBJECTIVE: Rules = MappingProxyType(
    {
        "sentence": (
            "{review}",
            "{review}",
            "{review}",
            "{review}",
            "{reaction}",
            "{reaction}",
            "{reaction}",
            "{reaction}",
            "{trip}",
            "{shopping}",
        ),
        "review": (
            "the story of {hero} in {place} {pleases}, and {gain}.",
            "the story of {hero} in {place} {fails}, and {loss}.",
            "the {work} about {hero} {pleases}, even though the {craft} {fails}.",
            "the {work} about {hero} {fails}, even though the {craft} {pleases}.",
            "a {work} about {hero} in {place} ought to be {good}, but this one {fails}.",
            "a {work} about {hero} in {place} could have been {bad}, but this one {pleases}.",
            "for {few} scenes the {work} {pleases}, and then {loss}.",
            "for {few} scenes the {work} {fails}, and then {gain}.",
            "it takes more than {hero} and a trip to {place} to make a {work} {good}.",
            "there is something {good} about the way {hero} meets {hero} here.",
            "there is something {bad} about the way {hero} meets {hero} here.",
            "seldom has {place} looked so {good} as in this {work}, and {gain}.",
            "the part of {hero} who returns to {place} {pleases}, but {loss}.",
        ),
        "pleases": (
            "is {how} {good}",
            "is anything but {bad}",
            "is as {good} as they come",
            "works far better than it has any right to",
            "has charm to spare",
            "earns every bit of its praise",
            "says more in a minute than others do in an hour",
            "hardly puts a foot wrong",
        ),
        "fails": (
            "is {how} {bad}",
            "is anything but {good}",
            "is as {bad} as they come",
            "asks too much of our patience",
            "leaves a bitter taste",
            "falls short of what it might have been",
            "never quite comes to life",
            "lacks the courage of its own idea",
        ),
        "how": ("rather", "truly", "far too", "quite", "simply", "oddly", "altogether"),
        "good": ("beautiful", "wonderful", "charming", "honest", "moving", "brilliant", "gripping"),
        "bad": ("dull", "terrible", "clumsy", "silly", "tired", "plain", "lifeless", "tedious"),
        "gain": (
            "nobody should mind the length",
            "that is reason enough to see it",
            "the ending more than makes up for the rest",
            "it would be a pity to miss it",
            "it all seems to matter",
            "the hours fly by",
        ),
        "loss": (
            "one wishes that it had stopped there",
            "it is hard to say why anyone should care",
            "what remains is mostly noise",
            "the charm wears thin",
            "the ending only makes it worse",
            "the hours crawl by",
        ),
        "reaction": (
            "of the {few} {work} versions set in {place}, this is easily the most {good}.",
            "of the {few} {work} versions set in {place}, this is easily the most {bad}.",
            "I wanted to like {hero}, but the {work} {fails}.",
            "I did not expect to like {hero}, but the {work} {pleases}.",
            "after {many} minutes I no longer cared whether {hero} would return to {place}.",
            "even after {many} minutes I longed to know whether {hero} would return to {place}.",
            "you do not have to be {hero} to find the {work} {how} {bad}.",
            "you do not have to be {hero} to find the {work} {how} {good}.",
            "how anyone could call the {work} {good} is beyond me, for the {craft} {fails}.",
            "how anyone could call the {work} {bad} is beyond me, for the {craft} {pleases}.",
            "what a {good} idea to send {hero} to {place} in a {work} like this.",
            "what a {good} {work}, how {good} the {craft}, and {gain}.",
            "what a {bad} {work}, how {bad} the {craft}, and {loss}.",
            "I loved every minute with {hero} in {place}, and {gain}.",
            "I hated every minute with {hero} in {place}, and {loss}.",
            "what a {bad} idea to send {hero} to {place} in a {work} like this.",
        ),
        "trip": (
            "{sight} {suits}, and {few} hours there are {long}.",
            "nobody should leave {place} without a visit to {sight}, however bad the weather.",
            "{few} euros for {sight} is {enough}, whatever the guide says.",
            "I would rather spend {few} days in {place} than another hour at {sight}.",
            "after {place}, {sight} {suits}, though {many} steps are {long}.",
            "if you have only {few} hours in {place}, {sight} is the place to {fate}.",
        ),
        "suits": (
            "is {how} {lovely}",
            "is worth a long detour",
            "is not worth the walk",
            "comes as a relief",
            "comes as a let-down",
            "has lost its magic",
            "has a magic of its own",
        ),
        "lovely": ("beautiful", "charming", "dull", "plain", "crowded", "peaceful", "ugly"),
        "long": ("plenty", "never enough", "half too many", "more than anyone needs"),
        "enough": ("plenty", "a bargain", "an insult", "not nearly enough", "more than fair"),
        "fate": ("avoid", "choose", "fall in love with", "forget about"),
        "shopping": (
            "the {device} {serves}, and a {few}-year warranty does not change that.",
            "whether it weighs {few} kilograms or {few}, the {device} {serves}.",
            "for {many} euros the {device} {serves}, whatever they may say in {place}.",
            "whoever wrote the manual for the {device} has {how} {bad} ideas about {hero}.",
            "the {dish} from {place} is {tasty}, and the {dish} is {tasty} too.",
            "there are {few} reasons to order the {dish}, and the best is that it is {tasty}.",
        ),
        "serves": (
            "is a joy to use",
            "is a nuisance to use",
            "feels {how} cheap",
            "feels {how} solid",
            "looks better than it has to",
            "looks like a bad copy of something else",
            "does its work without any fuss",
        ),
        "tasty": (
            "delicious",
            "far too sweet",
            "bland",
            "a comfort",
            "better than at home",
            "heavenly",
        ),
    }
)

_GRAMMARS: Mapping[str, Rules] = MappingProxyType(
    {
        "subjective": MappingProxyType({**_SHARED, **_SUBJECTIVE}),
        "objective": MappingProxyType({**_SHARED, **_OBJECTIVE}),
    }
)


def generate(
    n: int, *, seed: int, node: str = "answer", exclude: Iterable[Example] = ()
) -> list[Example]:
    """Generates n distinct sentences, half of them with each label, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the label observes.
        exclude: examples whose sentences must not come up.

    Raises:
        DataError: where no further sentence is found.
    """
    return balanced(
        n,
        name=NAME,
        input_name=INPUT,
        labels=LABELS,
        draw=_draw,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def _draw(rng: Random, label: str) -> str:
    while True:
        text = sentences(_GRAMMARS[label], "sentence", rng)
        if _SHORTEST <= len(text.split()) <= _LONGEST:
            return text


TASK = Task(
    NAME,
    DESCRIPTION,
    INPUT,
    LABELS,
    summary="Does the writer judge or report?",
    make=generate,
)
"""The task."""
