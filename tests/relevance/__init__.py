"""How well people find what they look for: the lessons example, searched through the product's own code.

    make relevance                                      # the judged queries, on osmem
    make relevance ARGS="--engine opensearch"           # or elasticsearch
    make relevance ARGS="--made 60 --seed another"      # made by the same rules, of other songs: nobody tuned to these

`kinds` makes queries of songs, `measuring` asks them; the floors below which it fails are in `floors.json`. The rules
were tuned with the queries in `queries.jsonl` and with the seeds `tuning`, `tuning2` and `tuning3`; to see how it does
on what nobody has looked at, use any other seed.
"""
