"""Word lists of langnet's own, of plain English words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ADJECTIVES", "NOUNS", "THINGS"]


def _words(text: str) -> tuple[str, ...]:
    """The words of a text: a list that reads as one."""
    return tuple(text.split())


NOUNS: tuple[str, ...] = _words("""
    acorn actor adobe album alley almond alpine amber anchor angle ankle apple apron arbour arch
    arrow ash atlas attic autumn axle badge bagel bakery balcony ballad bamboo banner barley barn
    barrel basin basket bassoon beacon beaver beetle bellow bench berry birch biscuit blanket
    blossom bonnet border boulder bracket branch brass bread breeze brick bridge bronze brook
    broom bucket buckle bugle bundle butter button cabin cable cactus camel candle canoe canvas
    canyon caramel carbon cargo carpet carrot cart castle cedar cellar cello chalk chapel cherry
    chimney chisel chorus cider cinder circus clay cliff clock cloud clover cobalt coconut collar
    comet compass copper coral cork cotton cradle crane crater cricket crystal cuckoo cup curtain
    cushion daisy dancer dawn deck delta desert desk diary dolphin donkey door dragon drawer drum
    dune eagle easel echo elbow elm ember engine envelope fable falcon farmer feather fern ferry
    fiddle field finch flag flame flask flint flour flute foal fog folder forest forge fossil
    fountain fox frost funnel galaxy gallery garden garlic garnet gate gazelle geyser ginger
    glacier globe glove goose gorge grain granite grape gravel grove guitar gull hammer hammock
    harbour harp harvest hawk hazel hedge helmet hermit heron hill hinge honey hood horizon hornet
    ice igloo ink iris iron island ivory ivy jacket jar jasmine jelly jewel jigsaw juice jungle
    kayak kennel kettle kite kitten knot ladder lagoon lamp lantern larch lark lawn leaf ledge
    lemon lens lentil library lilac lily linen lizard loaf lobster locket loom lotus lynx magnet
    mango manor maple marble market marsh mason meadow melon metal meteor mill mint mirror mist
    mitten moat mole monsoon moss moth motor mountain mule mural mushroom napkin nectar needle
    nest nettle nutmeg oak oasis oat ocean olive onion opal orbit orchard organ otter oven owl
    oyster paddle palace palm panda panel parade parcel parrot pasture patch path peach peacock
    pearl pebble pelican pencil pepper petal piano pigeon pillow pine pipe planet plaster plaza
    plough plum pocket pond pony poplar poppy porch potter prairie prism puddle puffin pulley pump
    puppet quail quarry quartz quill quilt rabbit radish raft rail rain raisin ranch raven reed
    reef ribbon ridge river robin rocket roof root rope rose ruby rudder rug saddle saffron sail
    salmon sand satin saucer scarf school scissors sculptor seal shadow shed shelf shell shore
    shovel silk silver skate sketch sleigh slope smoke snail snow sofa spark sparrow spice spider
    spindle spoon spring spruce squirrel stable stamp star statue steam stone stork storm straw
    stream sugar summit swallow swan swing syrup table tailor tapestry teapot temple tent thimble
    thistle thorn thunder ticket tiger timber toast tomato torch tower trail train tree trumpet
    tulip tunnel turnip turtle twig umbrella urn valley vanilla vase velvet vessel village vine
    violin voyage wafer wagon walnut walrus waltz water wave weasel wharf wheat wheel whistle
    willow window winter wolf wool wren yacht yarn yogurt zebra zenith zephyr zinc
    """)
"""Nouns in lower case, each once, in the order of the alphabet."""

ADJECTIVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opinion": _words("""
            awful charming dreadful elegant good lovely mysterious nice obnoxious repulsive
            ridiculous silly splendid terrible wonderful
            """),
        "size": _words("""
            big enormous huge large little massive medium-size midsize normal-size small tiny
            """),
        "age": _words("ancient archaic brand-new new old old-fashioned youthful"),
        "shape": _words(
            "circular oval prismlike pyramidal rectangular spherical square triangular"
        ),
        "colour": _words("""
            black blue brown gray green grey orange pink purple red tan turquoise white
            yellow
            """),
        "origin": _words("""
            American Bangladeshi Brazilian Chinese Congolese Egyptian Ethiopian Filipino German
            Indian Indonesian Iranian Japanese Kenyan Mexican Nigerian Norwegian Pakistani Russian
            Thai Turkish Vietnamese
            """),
        "material": _words("""
            cardboard cloth cotton fiberglass glass gold iron lead leather paper plastic rubber
            silver steel wood wool
            """),
        "purpose": _words("""
            dancing drinking driving eating exercise hiking riding smoking snorkeling typing
            walking whittling
            """),
    }
)
"""Adjectives by class, the classes in the order in which English puts them before a noun."""

THINGS: tuple[str, ...] = _words("""
    bag ball bell bicycle boat book bottle bowl box chair coat cup dog doll hat horse jar kite lamp
    mug parrot pony robot scarf shoe spoon tent toy whale
    """)
"""Nouns that any adjective may stand before."""
