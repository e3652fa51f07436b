"""A network in a plain script, which does not await.

python script.py runs/first < sentences.txt

A second argument names another model than the one that the network was fitted with.
"""

import sys

from langnet import BlockingNetwork, Example, Failure


def main(network_file: str, model: str | None = None) -> None:
    """Answers every line of the standard input, in order, several at a time."""
    with BlockingNetwork.open(network_file, models=model) as network:
        (name,) = network.graph.inputs
        lines = (line.strip() for line in sys.stdin)
        examples = (Example(str(n), {name: line}) for n, line in enumerate(lines, 1) if line)
        for result in network.stream(examples):
            print(result.error if isinstance(result, Failure) else result.output)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
