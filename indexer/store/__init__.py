"""Generations of an index on the disk, and everything that changes them.

A generation is one complete Whoosh index with its settings and its catalog. The folder of an index holds
several side by side, and a pointer to the live one.

- `generations` finds, creates, publishes and removes generations; `lock` admits one writer at a time.
- `reader` opens a commit of a generation for searching; `engine` keeps the last one open, and is what the
  facade calls.
- `update` changes the live generation: sync, put, remove, forget. `watch` syncs whenever sources change.
- `embed` makes vectors of the paragraphs that have none; `model` opens what makes them.
- `build` builds a new generation beside the live one, checks it and switches to it; `source_paths` decides
  which sources it reads, `progress` tells other processes how far it is.
- `verify` compares an index with its checksums and its sources, `diagnose` finds its problems,
  `repair` repairs it.

A configuration, articles and sources come in; reports and commits go out. A commit is on the disk before any
reader sees it. Begin with `generations`, then `update`.
"""
