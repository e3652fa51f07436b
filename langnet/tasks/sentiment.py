"""Is a review positive or negative?

What decides the label: the verdict that the review ends up with. A review praises and blames;
where it does both, one side is conceded ("although the soup came cold, …") or was only expected
("I had been told that …"), and the other is what the writer holds. Both labels are built by one
grammar in which praise and blame trade places, so the build of a review says nothing, and half of
the reviews hold words of either kind. Every clause states an evaluation that no reader would turn
round; clauses that praise by denying ("hard to fault") or blame so ("not good at all") are among
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.tasks.draw import Rules, balanced, sentences
from langnet.tasks.task import Task

__all__ = ["DESCRIPTION", "INPUT", "LABELS", "NAME", "TASK", "generate", "review"]

NAME = "sentiment"
INPUT = "text"
LABELS = ("positive", "negative")
DESCRIPTION = "Is the verdict of this review positive or negative?"

_PRAISE: Rules = MappingProxyType(
    {
        "good": ("{detail_good}", "{detail_good}", "{thing} {well}", "{thing} {well}"),
        "bad": ("{detail_bad}", "{detail_bad}", "{thing} {badly}", "{thing} {badly}"),
        "good_claim": ("{thing} {praised}",),
        "bad_claim": ("{thing} {blamed}",),
        # What others may have said, too.
        "praised": (
            "excellent",
            "superb",
            "a real pleasure",
            "hard to fault",
            "not bad at all",
            "anything but a disappointment",
            "a cut above the rest",
            "worth every penny",
            "just right",
            "{very} good",
            "{very} well thought out",
            "never less than pleasing",
        ),
        "blamed": (
            "poor",
            "dreadful",
            "a real disappointment",
            "hard to forgive",
            "not good at all",
            "anything but pleasant",
            "a cut below the rest",
            "not worth half the money",
            "all wrong",
            "{very} bad",
            "{very} badly thought out",
            "never more than tolerable",
        ),
        "good_name": ("good", "excellent", "superb", "a pleasure"),
        "bad_name": ("bad", "poor", "dreadful", "a disappointment"),
        "well": (
            "{praised}",
            "{praised}",
            "better than I had hoped",
            "every bit as good as people say",
            "the best I have come across in {span}",
            "a pleasant surprise",
        ),
        "badly": (
            "{blamed}",
            "{blamed}",
            "worse than I had feared",
            "nowhere near as good as people say",
            "the worst I have come across in {span}",
            "an unpleasant surprise",
        ),
        "very": ("really", "very", "remarkably", "consistently", "surprisingly"),
        "span": ("years", "a long time", "ten years", "months", "a good while"),
        "happy": (
            "I would choose it again without a second thought",
            "I have already told {who} to try it",
            "I went away happy",
            "it has earned a place among my favourites",
            "I cannot recommend it highly enough",
            "it deserves every one of its five stars",
            "I could not have asked for more",
            "I regret nothing except not having come to it sooner",
            "it won me over completely",
            "{who} and I both loved it",
            "I loved it from beginning to end",
            "I was delighted with it",
        ),
        "unhappy": (
            "I would not choose it again if it were free",
            "I have already told {who} to stay away from it",
            "I went away angry",
            "it has earned a place on my list of things to avoid",
            "I cannot recommend it to anyone",
            "it does not deserve even one of its five stars",
            "I had every reason to ask for my money back",
            "I regret having wasted an evening on it",
            "it lost me completely",
            "{who} and I both hated it",
            "I hated it from beginning to end",
            "I was disgusted with it",
        ),
        "who": (
            "my sister",
            "my father",
            "a colleague",
            "two friends",
            "my neighbours",
            "my oldest friend",
            "the whole family",
            "my flatmate",
        ),
        "opening": (
            "We came here for {occasion}.",
            "This was a present from {who}.",
            "I had wanted to try it for {span}.",
            "I came to it by chance.",
            "{who} talked me into this one.",
            "I read a dozen reviews before I made up my mind.",
            "This was my second time.",
            "I am not easy to please.",
        ),
        "occasion": ("a birthday", "our anniversary", "a rainy Sunday", "a family gathering"),
    }
)

# "same" and "verdict" speak for the label; "other", "claim" and "called" against it. `_SIDES`
# says which of them is praise.
_REVIEWS: Rules = MappingProxyType(
    {
        "review": ("{core}", "{core}", "{core}", "{opening} {core}"),
        "core": ("{plain}", "{plain}", "{plain}", "{conceding}", "{conceding}", "{turning}"),
        "plain": (
            "{same}, and {same}.",
            "{same}, {same}, and {verdict}.",
            "{same}. {same} too, and {verdict}.",
            "{verdict}: {same}, and {same}.",
            "{same}, {same} and {same}. In short, {verdict}.",
            "{verdict}, and {verdict}.",
        ),
        "conceding": (
            "although {other}, {same}, and {verdict}.",
            "{other}, but {same}, so {verdict}.",
            "{other} and {other}. Even so, {same}, and {verdict}.",
            "true, {other}. All the same, {same} and {same}, and {verdict}.",
            "{claim} at first, but then {same}, and in the end {verdict}.",
            "it hardly matters that {other} when {same} and {same}.",
        ),
        "turning": (
            "{other}, and yet {verdict}.",
            "I had been told that {claim}. Nothing of the kind: {same}, and {verdict}.",
            "it would be wrong to call it {called}: {same}, and {same}.",
            "{who} had told me that {claim}, but I found that {same}.",
            "the other reviews say that {claim}; in truth {same}, and {verdict}.",
            "last year {claim}. This time {same}, {same}, and {verdict}.",
            "{verdict}, even though {other}.",
            "for all that {other}, {verdict}.",
        ),
    }
)

_SIDES: Mapping[str, Rules] = MappingProxyType(
    {
        "positive": MappingProxyType(
            {
                "same": ("{good}",),
                "verdict": ("{happy}",),
                "other": ("{bad}",),
                "claim": ("{bad_claim}",),
                "called": ("{bad_name}",),
            }
        ),
        "negative": MappingProxyType(
            {
                "same": ("{bad}",),
                "verdict": ("{unhappy}",),
                "other": ("{good}",),
                "claim": ("{good_claim}",),
                "called": ("{good_name}",),
            }
        ),
    }
)

_PLACES: Mapping[str, Rules] = MappingProxyType(
    {
        "restaurant": MappingProxyType(
            {
                "thing": (
                    "the {dish} was",
                    "the service was",
                    "the wine list was",
                    "the bread was",
                    "the lunch menu was",
                    "the salad was",
                    "the terrace was",
                    "the dessert was",
                ),
                "dish": ("lamb", "risotto", "fish soup", "curry", "steak", "mushroom pie", "duck"),
                "detail_good": (
                    "the {dish} melted in the mouth",
                    "the waiter remembered every wish",
                    "the plates came out hot and fresh",
                    "the kitchen seasoned everything with care",
                    "the chef came out to ask if we were happy",
                    "the table by the window had a lovely view",
                    "nobody rushed us",
                ),
                "detail_bad": (
                    "the {dish} came cold",
                    "the waiter forgot half of our order",
                    "the plates were greasy and chipped",
                    "the kitchen drowned everything in salt",
                    "the chef shouted at the staff all evening",
                    "the table by the toilets smelled of bleach",
                    "nobody so much as looked at us for an hour",
                ),
            }
        ),
        "hotel": MappingProxyType(
            {
                "thing": (
                    "the room was",
                    "the breakfast was",
                    "the bed was",
                    "the reception desk was",
                    "the swimming pool was",
                    "the bathroom was",
                    "the location was",
                    "the night porter was",
                ),
                "detail_good": (
                    "the sheets smelled fresh",
                    "the staff went out of their way to help",
                    "the windows kept out every sound",
                    "they gave us a larger room for nothing",
                    "the shower was hot and strong",
                    "the balcony looked out on a quiet garden",
                    "I slept like a child",
                ),
                "detail_bad": (
                    "the sheets had stains on them",
                    "the staff argued with every guest in the queue",
                    "the windows let in the noise of the street all night",
                    "they charged us twice for the same room",
                    "the shower gave nothing but cold water",
                    "the balcony looked out on rubbish bins",
                    "I hardly slept at all",
                ),
            }
        ),
        "film": MappingProxyType(
            {
                "thing": (
                    "the acting was",
                    "the script was",
                    "the music was",
                    "the first hour was",
                    "the ending was",
                    "the camera work was",
                    "the dialogue was",
                    "the lead actress was",
                ),
                "detail_good": (
                    "the story kept me guessing until the last minute",
                    "the jokes had the whole row in tears of laughter",
                    "every scene earned its place",
                    "the two leads lit up the screen",
                    "the final scene moved me deeply",
                    "the time flew by",
                    "you cared about everyone in it",
                ),
                "detail_bad": (
                    "the story made no sense from the first minute",
                    "the jokes fell flat one after another",
                    "every scene went on for far too long",
                    "the two leads looked bored with each other",
                    "the final scene insulted my intelligence",
                    "the time dragged",
                    "you cared about nobody in it",
                ),
            }
        ),
        "product": MappingProxyType(
            {
                "thing": (
                    "the sound was",
                    "the battery was",
                    "the build quality was",
                    "the manual was",
                    "the packaging was",
                    "the screen was",
                    "the customer service was",
                    "the design was",
                ),
                "detail_good": (
                    "it worked straight out of the box",
                    "the parts fitted together perfectly",
                    "it has run without a fault since the spring",
                    "the battery lasts longer than they promise",
                    "they sent a replacement the very next day",
                    "it makes every morning a little easier",
                    "it feels solid in the hand",
                ),
                "detail_bad": (
                    "it arrived broken",
                    "the parts did not fit together",
                    "it stopped working after a week",
                    "the battery dies before lunch",
                    "they never answered a single one of my letters",
                    "it makes every morning a little harder",
                    "it feels cheap in the hand",
                ),
            }
        ),
    }
)


def generate(
    n: int, *, seed: int, node: str = "answer", exclude: Iterable[Example] = ()
) -> list[Example]:
    """Generates n distinct reviews, half of them with each label, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the label observes.
        exclude: examples whose reviews must not come up.

    Raises:
        DataError: where no further review is found.
    """
    return balanced(
        n,
        name=NAME,
        input_name=INPUT,
        labels=LABELS,
        draw=review,
        seed=seed,
        node=node,
        exclude=exclude,
    )


def review(rng: Random, label: str) -> str:
    """A review with that verdict."""
    place = _PLACES[rng.choice(list(_PLACES))]
    # Details of praise and blame come in pairs that deny each other: a review has one of the two.
    pairs = list(zip(place["detail_good"], place["detail_bad"], strict=True))
    rng.shuffle(pairs)
    half = rng.choice((len(pairs) // 2, len(pairs) - len(pairs) // 2))
    details = {
        "detail_good": tuple(good for good, _ in pairs[:half]),
        "detail_bad": tuple(bad for _, bad in pairs[half:]),
    }
    rules = {**_PRAISE, **_REVIEWS, **_SIDES[label], **place, **details}
    return sentences(rules, "review", rng)


TASK = Task(
    NAME,
    DESCRIPTION,
    INPUT,
    LABELS,
    summary="Is the verdict of a review positive or negative?",
    make=generate,
)
"""The task."""
