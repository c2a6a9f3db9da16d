"""A simulator that runs the write protocol as it is in production, under any schedule of failures it can think of.

The protocols of `dynadex.core.writing` are generators: they yield what to send and are sent what came back. Here models
of the table and the engine answer them, a scheduler decides at random who acts next and what goes wrong, and when all
has come to rest, every index must equal its table. No rule of the protocol is written down a second time.

    make simulate SCHEDULES=1000000            many schedules, then every mutant
    python -m tests.simulation replay 4711     one schedule, with what happened to the key that went wrong

How it is built, in the order to read it:

- `choices`: where chance comes from. A schedule is a function of its choices, so a seed replays it exactly, and a list
  of choices can be shortened.
- `data`, `table`, `engine`: four keys and their items; the model of DynamoDB with its stream; the model of the engine.
- `plan`, `world`: what one schedule has (few things each, so that it is cheap: thousands a second); and everything in
  it, with its clock.
- `functions`: the model of a function, which drives a production protocol and can die between any two steps.
- `actors/`: who acts: writers and replication, the event source mapping, the refill's state machine, a rebuild,
  verify, sweep and redrive.
- `faults/`: what goes wrong: requests, clocks, shards, outages.
- `checkers/`: what must hold, each by itself.
- `schedule`: one schedule from its choices to its verdict: everybody acts at random; then nothing goes wrong any more,
  all ends, operators do what is their duty; then the checkers look.
- `mutants/`: wrong protocols, each of which must be caught. They are what shows that the checkers can see.
- `running`, `shrinking`, `__main__`: many schedules on all cores; a failing one made short; the command.

Actors are generators too. They yield wherever others may act, and say until when they have nothing to do.
"""
