"""What kind of answer does a question ask for?

What decides the label: the kind of thing that would answer the question, known or not. It is one of
the six coarse kinds of the question data of Li and Roth 2002 (TREC): a description (a definition, a
reason, a manner), an entity (a thing, an animal, a colour, a language, a word, a work), an
expression (what letters stand for, or which letters are used), a human (a person or a group of
people), a location, or a number (a count, a date, a measure, a price). All kinds ask about the same
countries, cities, people, works, inventions, events, animals, substances and organisations, and
most of them with the same question words, so that neither gives the kind away. Every question here
comes from a grammar of langnet's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from langnet.data import Example
from langnet.tasks.draw import Rules, balanced, sentences
from langnet.tasks.task import Task

__all__ = ["DESCRIPTION", "INPUT", "LABELS", "NAME", "TASK", "generate"]

NAME = "questions"
INPUT = "text"
LABELS = ("description", "entity", "expression", "human", "location", "number")
DESCRIPTION = (
    "Read the question and say what it asks for: a description, an entity, an expression, a "
    "human, a location or a number."
)


def _either(texts: str) -> tuple[str, ...]:
    """What a comma parts: a list that reads as one."""
    return tuple(texts.split(", "))


_SHARED: Rules = MappingProxyType(
    {
        "what": ("what", "which"),
        "country": _either(
            "Peru, Norway, Kenya, Vietnam, Portugal, Canada, Egypt, Chile, Iceland, Nepal, "
            "Poland, Morocco, Mexico, Finland, Jamaica, Ghana, Hungary, Thailand, Ireland, "
            "Cuba, Turkey, Bolivia"
        ),
        "city": _either(
            "Lisbon, Nairobi, Chicago, Naples, Kyoto, Lima, Prague, Glasgow, Montreal, Cairo, "
            "Seattle, Havana, Mumbai, Antwerp, Dakar, Auckland, Bergen, Boston, Seville, Riga"
        ),
        "person": _either(
            "Marie Curie, Isaac Newton, Mozart, Cleopatra, Charles Darwin, Frida Kahlo, Marco "
            "Polo, Joan of Arc, Galileo, Beethoven, Amelia Earhart, Napoleon, Gandhi, Florence "
            "Nightingale, Alexander the Great, Leonardo da Vinci, Rosa Parks, Captain Cook, "
            "Edith Piaf, Johannes Kepler, Jane Austen, Nikola Tesla"
        ),
        "work": _either(
            "Hamlet, The Magic Flute, Don Quixote, War and Peace, Moby-Dick, Carmen, Treasure "
            "Island, The Nutcracker, Frankenstein, Swan Lake, Robinson Crusoe, Madame "
            "Butterfly, Dracula, Jane Eyre, The Jungle Book, Peter Pan"
        ),
        "invention": _either(
            "the telephone, the microscope, the zip fastener, the sewing machine, the steam "
            "engine, the parachute, the thermometer, the typewriter, the bicycle, the printing "
            "press, the pocket calculator, the lightning rod, the safety match, the hot-air "
            "balloon, the ballpoint pen, the refrigerator, the compass, the electric guitar"
        ),
        "landmark": _either(
            "the Eiffel Tower, the Golden Gate Bridge, the Suez Canal, the Sydney Opera House, "
            "the Colosseum, the Taj Mahal, the Tower of London, the Statue of Liberty, the "
            "Parthenon, the Panama Canal, the Louvre, Hadrian's Wall"
        ),
        "event": _either(
            "the First World War, the Boston Tea Party, the French Revolution, the first moon "
            "landing, the Great Fire of London, the Battle of Waterloo, the California gold "
            "rush, the Black Death, the Cuban missile crisis, the Spanish Armada, the Olympic "
            "Games, the Norman Conquest, the Wall Street crash, the Russian Revolution"
        ),
        "animal": _either(
            "camel, hedgehog, blue whale, penguin, honey bee, crocodile, giraffe, octopus, bat, "
            "kangaroo, salmon, tortoise, swan, wolf, elephant, hummingbird"
        ),
        "substance": _either(
            "gold, helium, salt, mercury, rubber, chocolate, glass, copper, nylon, coffee, "
            "vinegar, sugar, aspirin, penicillin, concrete, silk"
        ),
        "body": _either(
            "NATO, UNESCO, NASA, the FBI, the BBC, the IMF, OPEC, the WHO, FIFA, the CIA, "
            "UNICEF, the EU, Interpol, the WWF, the YMCA, IBM"
        ),
        "sport": _either(
            "cricket, ice hockey, tennis, basketball, chess, baseball, rugby, golf, fencing, "
            "curling, volleyball, water polo"
        ),
        "trade": _either(
            "composer, painter, explorer, queen, poet, physicist, general, singer, architect, "
            "astronaut, philosopher, president, chess player, swimmer"
        ),
        "feature": _either(
            "lake, mountain, river, island, city, forest, desert, harbour, waterfall"
        ),
        "most": _either("largest, oldest, second largest, best known, most visited, smallest"),
        "century": tuple(f"the {order} century" for order in ("16th", "17th", "18th", "19th")),
    }
)

_QUESTIONS: Mapping[str, Rules] = MappingProxyType(
    {
        "description": MappingProxyType(
            {
                "question": (
                    "{concept_asked}",
                    "{concept_asked}",
                    "what is the {gist} {event}?",
                    "what is the {gist} {work}?",
                    "why {did} {person} {act}?",
                    "why is {city} {famed} than {city}?",
                    "what was {country} like {then}?",
                    "how {does} {a_animal} {live}?",
                    "what do {animal}s do {when}?",
                    "why do {animal}s {habit}?",
                    "how is {substance} {made}?",
                    "what happens to {substance} when it is {treated}?",
                    "how did {invention} change {life}?",
                    "how does {invention} work?",
                    "what {effect} did {event} have on {country}?",
                    "why did {country} {quarrel} {country}?",
                    "what is {person} {famous} for?",
                    "what is the {difference} between {concept} and {concept}?",
                    "what does {body} do {task}?",
                    "how do you {chore}?",
                    "what is the purpose of {landmark}, and how is it {kept}?",
                    "how did {person} {manage} in {country}?",
                    "what are the rules of {sport} {for_whom}?",
                    "why is {work} {staged} in {country}?",
                ),
                "concept_asked": (
                    "what is {concept}?",
                    "what are the causes of {concept}?",
                    "how would you explain {concept} to {learner}?",
                    "what does it mean to speak of {concept} in {country}?",
                    "what is meant by {concept}?",
                    "can you describe {concept} {simply}?",
                ),
                "concept": (
                    "photosynthesis",
                    "inflation",
                    "osmosis",
                    "jet lag",
                    "hypnosis",
                    "gravity",
                    "plate tectonics",
                    "fermentation",
                    "feudalism",
                    "insomnia",
                    "irony",
                    "natural selection",
                    "déjà vu",
                    "compound interest",
                    "stage fright",
                    "radioactivity",
                    "the greenhouse effect",
                    "colour blindness",
                    "the placebo effect",
                    "continental drift",
                    "proportional representation",
                    "hibernation",
                ),
                "learner": ("a child", "a beginner", "a classroom", "your grandmother"),
                "simply": ("in simple terms", "in a sentence or two", "briefly", "in plain words"),
                "staged": (
                    "banned",
                    "so popular",
                    "hardly ever performed",
                    "still taught",
                ),
                "gist": ("story behind", "meaning of", "significance of", "idea behind"),
                "did": ("did", "didn't"),
                "act": _either(
                    "leave {country}, travel to {city}, write to the king, give up teaching, "
                    "spend years in {city}, refuse the prize"
                ),
                "famed": ("better known", "rainier", "more expensive", "less crowded"),
                "then": (
                    "in {century}",
                    "before the railways",
                    "after {event}",
                    "in the time of {person}",
                ),
                "does": ("does", "can"),
                "a_animal": ("a {animal}",),
                "live": ("find its way home", "keep warm", "breathe", "sleep", "defend itself"),
                "when": ("in winter", "when they are afraid", "at night", "after a long drought"),
                "habit": ("migrate", "live in groups", "sing", "sleep so long", "fight"),
                "made": ("made", "made at home", "tested for purity", "recycled", "stored safely"),
                "treated": ("heated", "frozen", "left in the sun", "mixed with water", "buried"),
                "life": (
                    "everyday life",
                    "life in {city}",
                    "the way people work",
                    "the economy of {country}",
                ),
                "effect": ("effect", "influence", "lasting effect"),
                "quarrel": ("go to war with", "break off relations with", "sign a treaty with"),
                "famous": ("famous", "best remembered", "celebrated in {country}", "criticised"),
                "difference": ("difference", "relation", "connection"),
                "task": ("in wartime", "in {country}", "for its members", "after an earthquake"),
                "chore": (
                    "keep {substance} dry",
                    "say sorry to a neighbour from {country}",
                    "look after a {animal}",
                    "learn {sport} on your own",
                    "pack {substance} for a long journey",
                    "draw a {animal}",
                ),
                "kept": ("maintained", "lit at night", "paid for", "protected"),
                "manage": ("earn a living", "become so powerful", "avoid arrest", "die"),
                "for_whom": ("for beginners", "in {country}", "at school", "in short"),
            }
        ),
        "entity": MappingProxyType(
            {
                "question": (
                    "{what} {tongue} do people speak in {country} {besides}?",
                    "what is the {national} of {country}?",
                    "what is the {national} of {country}?",
                    "{what} {animals} {live} in {country}?",
                    "{what} colour is a {animal}'s {part}?",
                    "{what} {instrument} did {person} play {at}?",
                    "{what} {book} did {person} {read} in {city}?",
                    "what did {person} {find} {at}?",
                    "what do {animal}s eat {season}?",
                    "what do you call {young} {animal}?",
                    "what is {substance} made from in {country}?",
                    "{what} {metal} is mined in {country} {besides}?",
                    "{what} {sport_kind} is played most in {country}?",
                    "what is the main export of {country} besides {substance}?",
                    "{what} dish is {city} known for {besides}?",
                    "{what} disease killed {person}?",
                    "{what} {kind} was used to build {landmark}?",
                    "{what} word {origin} from {country} means a {animal}?",
                    "what is the {most} ship ever built in {country}?",
                    "{what} plant is {substance} made of {besides}?",
                    "{what} religion did most people in {country} follow in {century}?",
                    "what is the name of the {vehicle} in {work}?",
                    "{what} animal {appears} on the {banner} of {country}?",
                    "what {replaced} {invention} in the homes of {country}?",
                    "{what} opera has the same plot as {work}?",
                    "{what} equipment do you need for {sport} in {country}?",
                    "name {one_of} that {person} {find_past} {at}.",
                ),
                "tongue": ("language", "languages", "second language"),
                "besides": ("today", "as well", "above all", "in the mountains", "at home"),
                "national": _either(
                    "currency, national flower, national anthem, national dish, national bird, "
                    "most popular drink, main crop, official language"
                ),
                "animals": ("birds", "wild animals", "kinds of fish", "poisonous snakes"),
                "live": ("live", "are found", "are protected", "have died out"),
                "part": ("tongue", "skin", "heart", "blood", "back"),
                "instrument": ("instrument", "card game", "sport"),
                "at": _either(
                    "as a child, in {city}, in {country}, late in life, on the last voyage"
                ),
                "book": ("book", "poem", "newspaper", "opera"),
                "read": ("read", "finish", "lose", "burn", "translate"),
                "find": _either("discover, invent, eat for breakfast, collect, ride, draw first"),
                "one_of": ("a book", "an instrument", "a poem", "a disease", "a comet", "a game"),
                "find_past": ("wrote about", "knew", "forgot", "named", "described"),
                "season": ("in winter", "in captivity", "in the wild", "in {country}"),
                "young": ("a young", "a female", "a male", "a baby"),
                "metal": ("metal", "metals", "mineral", "precious stone"),
                "sport_kind": ("sport", "card game", "ball game", "instrument"),
                "kind": ("stone", "material", "wood", "metal", "machine"),
                "origin": ("borrowed", "that comes", "taken"),
                "vehicle": ("ship", "horse", "dog", "sword", "song"),
                "appears": ("appears", "is shown", "stands"),
                "banner": ("flag", "coins", "coat of arms", "stamps"),
                "replaced": ("device replaced", "machine came before", "tool replaced"),
            }
        ),
        "expression": MappingProxyType(
            {
                "question": (
                    "what does {letters} {stand} {place}?",
                    "what does {letters} {stand} {place}?",
                    "what do the letters {letters} {stand} {place}?",
                    "what does the abbreviation {letters} {stand} {place}?",
                    "what is {letters} short for {place}?",
                    "what is the full form of {letters} {place}?",
                    "{what} words are shortened to {letters} {place}?",
                    "how do you write {letters} out in full {place}?",
                    "what is the {short} for {long} {place}?",
                    "what is the {short} for {long} {place}?",
                    "{what} letters are used for {long} {place}?",
                    "how is {long} abbreviated {place}?",
                    "when {person_asks} {letters}, what do the letters {stand}?",
                    "what does the {letter} in {letters} {stand} {place}?",
                    "what did the letters of {body} {stood} {then}?",
                    "who knows what {letters} {stands} {place}?",
                    "where {letters} is written {place}, what does it {stand}?",
                ),
                "letters": _either(
                    "ATM, GPS, DVD, RSVP, UFO, PIN, SOS, AIDS, DNA, CEO, FAQ, ISBN, LED, RAM, "
                    "ROM, VIP, BMI, CPR, DIY, GDP, HTML, IQ, KFC, LCD, MBA, OPEC, PhD, QED, "
                    "RPM, SIM, TNT, URL, VAT, WWF, YMCA, NATO, NASA, UNICEF, FIFA, BBC, IMF, "
                    "AWOL, BLT, CAD, DJ, HIV, MRI"
                ),
                "stand": ("stand for", "mean in full", "represent"),
                "stands": ("stands for", "means in full", "represents"),
                "stood": ("stand for", "mean in full"),
                "place": _either(
                    "in {country}, in a contract, in the news, on a label, in a letter, on a "
                    "map, in a job advertisement, in English, in medicine, in {city}"
                ),
                "short": ("abbreviation", "short form", "acronym", "usual abbreviation"),
                "long": _either(
                    "kilogram, limited company, doctor of medicine, miles per hour, post office "
                    "box, chief executive officer, world health organisation, volume, public "
                    "limited company, cubic centimetre, very important person, gross domestic "
                    "product, as soon as possible, frequently asked questions, value added tax, "
                    "unidentified flying object, number, street, Saint, apartment"
                ),
                "letter": ("first letter", "last letter", "first A", "second letter"),
                "person_asks": _either(
                    "a doctor in {city} writes, a lawyer writes, a pilot says, an invitation "
                    "says, a banker in {country} says"
                ),
                "then": (
                    "in {century}",
                    "before {event}",
                    "when it was founded",
                    "originally",
                ),
            }
        ),
        "human": MappingProxyType(
            {
                "question": (
                    "who {invented} {invention} {with}?",
                    "who {wrote} {work}?",
                    "who {wrote} {work} for {city}?",
                    "{what} {trade} {lived} in {city} {during}?",
                    "{what} {trade} from {country} {won}?",
                    "who {helped} {person} {at}?",
                    "who was the {first} {trade} of {country}?",
                    "who was the {first} {trade} to {visit} {landmark}?",
                    "what was the name of {person}'s {relative} in {city}?",
                    "{what} company {made} {invention} in {country}?",
                    "{what} {team} from {city} won the {sport} cup?",
                    "who {ruled} {country} {during}?",
                    "who is the {head} of {body} {now}?",
                    "{what} {people} {lived} in {country} before {event}?",
                    "who {paid} for {landmark} {during}?",
                    "{what} {trade} is the hero of {work}?",
                    "who {kept} the {animal} {at_home}?",
                    "{what} scientist first {studied} {substance} in {country}?",
                    "to whom did {person} {leave} {belongings}?",
                    "who trains the national {sport} team of {country}?",
                    "with whom did {person} {travel} to {country}?",
                    "what is the name of the {trade} who lost the battle {before} {event}?",
                    "name the {trade} who {wrote} {work} in {century}.",
                ),
                "invented": ("invented", "improved", "patented", "first sold", "built"),
                "with": ("in {country}", "in {century}", "before {person}", "in {city}"),
                "wrote": ("wrote", "first translated", "illustrated", "filmed", "performed"),
                "lived": ("lived", "settled", "grew rich", "died"),
                "during": ("in {century}", "during {event}", "after {event}", "before {event}"),
                "won": (
                    "won the Nobel Prize",
                    "was called the {animal}",
                    "crossed the desert by {animal}",
                    "swam to {country}",
                    "hated {substance}",
                ),
                "helped": ("helped", "taught", "married", "betrayed", "painted", "saved"),
                "at": ("in {city}", "in {country}", "at the end", "during {event}"),
                "first": ("first", "last", "youngest", "second", "most famous"),
                "visit": ("visit", "draw", "photograph", "climb", "sleep beside"),
                "relative": ("sister", "teacher", "doctor", "best friend", "secretary", "rival"),
                "made": ("makes", "first made", "sells", "owns the rights to"),
                "team": ("team", "club", "group of students"),
                "ruled": ("ruled", "invaded", "united", "freed", "mapped"),
                "head": ("head", "youngest member", "founder", "spokesman", "former director"),
                "now": ("now", "in {country}", "in {city}", "today"),
                "people": ("people", "tribe", "peoples", "family"),
                "paid": ("paid", "drew the plans", "chose the colours", "fought"),
                "kept": ("kept", "painted", "trained", "wrote a song about"),
                "at_home": ("in {city}", "in {work}", "in {country}", "during {event}"),
                "studied": ("studied", "weighed", "described", "produced"),
                "leave": ("leave", "sell", "give", "send"),
                "belongings": ("the house in {city}", "the letters", "the money", "the horses"),
                "travel": ("travel", "flee", "sail", "return"),
                "before": ("before", "after"),
            }
        ),
        "location": MappingProxyType(
            {
                "question": (
                    "where was {person} {born}?",
                    "where was {person} {born}, according to {person}?",
                    "{in_what} was {person} {born}?",
                    "where {did} {person} {meet} {person}?",
                    "where was {invention} {made}?",
                    "{in_what} was {invention} {made}?",
                    "where did {event} {begin}?",
                    "{what} {country_kind} {borders} {country} and {country}?",
                    "what is the {most} {feature} in {country}?",
                    "what is the {most} {feature} near {city}?",
                    "what {was} the capital of {country} {since}?",
                    "where in {country} {can} {animal}s?",
                    "where in {city} is the {museum}?",
                    "where is most of the world's {substance} {produced}?",
                    "{what} country {produced_active} the most {substance}?",
                    "{what} {feature} separates {city} from the {sea}?",
                    "from {what} port did {person} sail {at}?",
                    "where does {body} have its {office}?",
                    "{in_what} is {work} set {besides}?",
                    "where was the first {sport} match {played}?",
                    "{what} city {hosted} {body} {besides}?",
                    "{what} {feature} is named after {person}'s {relative}?",
                    "on {what} continent do {animal}s {breed}?",
                    "where can {travellers} find {landmark} {besides}?",
                    "{what} street in {city} is named after {person}?",
                    "name the place where {person} and {person} {lie}.",
                    "to {what} {feature} did the people of {city} flee during {event}?",
                ),
                "born": _either("born, buried, brought up, educated, arrested, married, last seen"),
                "in_what": (
                    "in {what} city",
                    "in {what} country",
                    "in {what} town",
                    "on {what} island",
                    "in {what} part of {country}",
                ),
                "did": ("did", "could"),
                "meet": ("meet", "read about", "quarrel with", "part from"),
                "made": ("invented", "first sold", "improved", "first exhibited", "patented"),
                "begin": ("begin", "end", "do the most damage", "take place", "spread to"),
                "country_kind": ("country", "sea", "border town", "mountain range"),
                "borders": ("lies between", "is closest to both", "is shared by"),
                "since": ("before {event}", "after {event}", "in {century}", "according to {body}"),
                "can": ("can you see", "do farmers keep", "do people hunt", "are there no"),
                "museum": (
                    "{substance} museum",
                    "{animal} house of the zoo",
                    "{sport} stadium",
                    "statue of {person}",
                ),
                "produced": ("produced", "sold", "stored", "shipped from"),
                "produced_active": ("produces", "imports", "exports", "consumes"),
                "sea": ("sea", "nearest airport", "border", "desert"),
                "at": ("to {country}", "on the last voyage", "to {city}", "at the age of {age}"),
                "age": ("17", "20", "24", "31", "39", "46"),
                "office": ("headquarters", "archive", "largest office", "training centre"),
                "besides": ("today", "for the most part", "at first", "in the end"),
                "was": ("was", "is"),
                "played": ("played", "held", "watched by {person}", "shown on television"),
                "hosted": (
                    "was home to",
                    "refused to host",
                    "was best known for",
                    "was inspected by",
                ),
                "relative": ("sister", "dog", "teacher", "ship", "daughter"),
                "breed": ("breed", "live", "spend the winter", "no longer live"),
                "travellers": ("travellers", "students", "visitors", "walkers"),
                "lie": ("lie buried", "first met", "spent the summer", "fought"),
            }
        ),
        "number": MappingProxyType(
            {
                "question": (
                    "when was {person} {born}?",
                    "when was {invention} {made} in {country}?",
                    "in {what} {year} did {event} {begin}?",
                    "in {what} {year} did {person} {visit} {city}?",
                    "how many {things} are there in {country}?",
                    "how many {things} are there in {city}?",
                    "how many {parts} does a {animal} have?",
                    "how {much} is {landmark} {compared}?",
                    "how {far} is it from {city} to {city}?",
                    "what is the {measure} of {country}?",
                    "what is the {measure} of {country} compared with {country}?",
                    "what is the {size} of {a_thing}?",
                    "what is the {point} of {substance}?",
                    "what does {amount} of {substance} cost in {country}?",
                    "how {fast} can a {animal} {run} {when}?",
                    "how long did {event} {last}?",
                    "how long did it take {person} to {reach} {city}?",
                    "at {what} age did {person} {turn} {sport}?",
                    "what {share} of the people of {country} {do}?",
                    "how many {members} does {body} have in {country}?",
                    "how many {players} are there in a {sport} team in {country}?",
                    "on {what} date did {country} {join} {body}?",
                    "how old was {person} when {event} {began}?",
                    "what is the telephone {code} of {city}?",
                    "{what} chapter of {work} is the {longest}?",
                    "how many times has {work} been {shown} in {country}?",
                    "what was the price of {invention} in {city}?",
                    "who knows how many {animal}s are left in {country}?",
                ),
                "born": ("born", "first in {city}", "arrested", "married in {city}", "last seen"),
                "made": ("invented", "first sold", "improved", "banned", "patented"),
                "year": ("year", "century", "month"),
                "begin": ("begin", "end", "reach {country}", "reach {city}"),
                "began": ("began", "ended", "reached {country}"),
                "visit": ("visit", "leave", "first see", "return to"),
                "things": ("lakes", "languages", "museums", "people", "bridges", "{animal}s"),
                "parts": ("teeth", "bones", "legs", "hearts", "ribs", "young at a time"),
                "much": ("tall", "long", "heavy", "old", "wide"),
                "compared": ("in metres", "today", "compared with {landmark}", "in all"),
                "far": ("far", "many miles", "many hours by train"),
                "measure": _either(
                    "population, area, average wage, birth rate, length of the coast, average "
                    "age, unemployment rate"
                ),
                "size": ("weight", "length", "lifespan", "body temperature", "speed"),
                "a_thing": (
                    "a newborn {animal}",
                    "a {animal} in {country}",
                    "the average {animal}",
                ),
                "point": ("melting point", "boiling point", "density", "price per kilogram"),
                "amount": ("a pound", "a kilogram", "a ton", "an ounce", "a bag"),
                "fast": ("fast", "far", "many miles"),
                "run": ("move", "travel", "go"),
                "when": ("in a day", "in water", "at night", "without food", "in winter"),
                "last": ("last", "last in {country}", "go on", "take to reach {city}"),
                "reach": ("reach", "sail round the world from", "walk to", "rebuild"),
                "turn": ("take up", "give up", "learn", "first win a prize for"),
                "share": ("percentage", "share", "fraction"),
                "do": ("speak two languages", "play {sport}", "own a {animal}", "live in towns"),
                "members": ("members", "employees", "offices", "volunteers"),
                "players": ("players", "substitutes", "women"),
                "join": ("join", "leave", "sue"),
                "code": ("code", "number of the town hall", "number of the police"),
                "longest": ("longest", "shortest", "last", "saddest"),
                "shown": ("performed", "filmed", "translated", "banned"),
            }
        ),
    }
)

_GRAMMARS: Mapping[str, Rules] = MappingProxyType(
    {label: MappingProxyType({**_SHARED, **own}) for label, own in _QUESTIONS.items()}
)


def generate(
    n: int, *, seed: int, node: str = "answer", exclude: Iterable[Example] = ()
) -> list[Example]:
    """Generates n distinct questions, a sixth of them with each label, give or take one.

    Args:
        n: how many.
        seed: of everything random; the same seed gives the same examples.
        node: the node that the label observes.
        exclude: examples whose questions must not come up.

    Raises:
        DataError: where no further question is found.
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
    return sentences(_GRAMMARS[label], "question", rng)


TASK = Task(
    NAME,
    DESCRIPTION,
    INPUT,
    LABELS,
    summary="Which of six kinds of answer does a question ask for?",
    make=generate,
)
"""The task."""
