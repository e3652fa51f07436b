"""What twenty questions may ask, and what is true of each word: of langnet's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FACTS", "QUESTIONS"]

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "alive": "Is it a living thing?",
        "animal": "Is it an animal?",
        "mammal": "Is it a mammal?",
        "bird": "Is it a bird?",
        "insect": "Is it an insect?",
        "sea": "Does it live in the sea?",
        "flies": "Can it fly through the air?",
        "farm": "Is it kept on farms?",
        "plant": "Is it a plant, or a part of one?",
        "fruit": "Is it a fruit?",
        "food": "Do people eat it?",
        "made": "Is it made by people?",
        "tool": "Is it a tool for building or mending?",
        "vehicle": "Does it carry people from place to place?",
        "wheels": "Does it have wheels?",
        "worn": "Is it worn on the body?",
        "music": "Is it a musical instrument?",
        "strings": "Does it have strings that sound?",
        "power": "Does it run on electricity?",
        "metal": "Is it mostly made of metal?",
        "wood": "Is it mostly made of wood?",
        "large": "Is it larger than a grown person?",
        "kitchen": "Is it usually kept in the kitchen?",
        "furniture": "Is it a piece of furniture?",
    }
)
"""A question for each fact."""

_TRUE = """
    ant: alive animal insect
    apple: alive plant fruit food
    bacon: made food kitchen
    banana: alive plant fruit food
    bee: alive animal insect flies farm
    bench: made wood furniture
    bicycle: made vehicle wheels metal
    blender: made power kitchen
    bookcase: made wood large furniture
    bread: made food kitchen
    bus: made vehicle wheels metal large
    butterfly: alive animal insect flies
    canoe: made vehicle wood large
    carrot: alive plant food
    cello: made music strings wood
    chair: made wood furniture
    cheese: made food kitchen
    cherry: alive plant fruit food
    chicken: alive animal bird farm food
    chisel: made tool metal
    clarinet: made music wood
    coat: made worn
    cow: alive animal mammal farm large food
    crab: alive animal sea food
    crocodile: alive animal large
    crow: alive animal bird flies
    daffodil: alive plant
    dolphin: alive animal mammal sea large
    donkey: alive animal mammal farm large
    drill: made tool power metal
    drum: made music
    eagle: alive animal bird flies
    elephant: alive animal mammal large
    fork: made metal kitchen
    fox: alive animal mammal
    frog: alive animal
    fridge: made power metal large kitchen
    giraffe: alive animal mammal large
    glove: made worn
    goat: alive animal mammal farm food
    goose: alive animal bird flies farm food
    grape: alive plant fruit food
    guitar: made music strings wood
    hammer: made tool
    harp: made music strings large
    hat: made worn
    helicopter: made vehicle flies metal large
    hedgehog: alive animal mammal
    kettle: made power metal kitchen
    lamp: made power
    lemon: alive plant fruit food
    lion: alive animal mammal large
    lizard: alive animal
    mosquito: alive animal insect flies
    motorcycle: made vehicle wheels metal large
    mouse: alive animal mammal
    oak: alive plant large wood
    octopus: alive animal sea food
    onion: alive plant food
    orchid: alive plant
    ostrich: alive animal bird large
    owl: alive animal bird flies
    penguin: alive animal bird sea
    piano: made music strings large
    pine: alive plant large wood
    potato: alive plant food
    rabbit: alive animal mammal
    ring: made worn metal
    rose: alive plant
    rowing boat: made vehicle wood large
    salmon: alive animal sea food
    saucepan: made metal kitchen
    scarf: made worn
    screwdriver: made tool
    shark: alive animal sea large
    sheep: alive animal mammal farm food
    shoe: made worn
    sock: made worn
    spanner: made tool metal
    spider: alive animal
    squirrel: alive animal mammal
    strawberry: alive plant fruit food
    table: made wood furniture large
    television: made power
    toaster: made power kitchen
    tractor: made farm vehicle wheels metal large
    train: made vehicle wheels metal large
    trumpet: made music metal
    tulip: alive plant
    violin: made music strings wood
    wardrobe: made wood large furniture
    watch: made worn
    whale: alive animal mammal sea large
    wheelbarrow: made wheels tool
    wolf: alive animal mammal
"""

FACTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        word.strip(): frozenset(facts.split())
        for word, _, facts in (line.partition(":") for line in _TRUE.strip().splitlines())
    }
)
"""What is true of each word; all else is not."""
