"""Hash chains: each row names the hash of its reader's row before it on the same device."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any


class Tampering(StrEnum):
    """What was done to the log outside the program."""

    ALTERED = "altered"
    REMOVED = "removed"
    REORDERED = "reordered"
    UNGUARDED = "unguarded"  # a trigger that keeps rows from being changed is missing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; ``row`` is the log id it was seen at (0: the file as a whole)."""

    kind: Tampering
    row: int
    sentence: str


def genesis(study: str, reader: str, device: str) -> str:
    """The hash before a chain's first row, hex."""
    return hashlib.sha256(json.dumps([study, reader, device]).encode()).hexdigest()


def row_hash(row: Mapping[str, Any]) -> str:
    """sha256 hex of a row of ``decision``: canonical JSON of every column but ``hash``, empty ones left out.

    Leaving NULL out lets a later schema add columns without touching the hashes of the rows that stand.
    """
    said = {name: value for name, value in row.items() if name != "hash" and value is not None}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def inspect(study: str, rows: Sequence[Mapping[str, Any]], highest: int) -> list[Finding]:
    """Walk the log and report what does not hold.

    The hashes carry no secret: who rewrites the whole log with this program's own code is found only by
    comparing chain heads with ones kept elsewhere.

    Parameters
    ----------
    study : the study's uid.
    rows : every row of ``decision``, column → value, in order of id.
    highest : the highest id ever given, which the database keeps apart; a log that ends before it was cut.
    """
    spoilt = {row["id"]: row for row in rows if row_hash(row) != row["hash"]}
    moved = _moved(spoilt)
    findings = [
        Finding(Tampering.REORDERED, row, f"row {row} was written as row {was}") for row, was in sorted(moved.items())
    ]
    findings += [
        Finding(Tampering.ALTERED, row, f"row {row} does not match its hash: it was altered after it was written")
        for row in sorted(spoilt.keys() - moved.keys())
    ]
    gaps = _gaps([row["id"] for row in rows], highest)
    findings += gaps
    heads: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: moved.get(row["id"], row["id"])):
        chain = (row["reader"], row["device"])
        expected = heads.get(chain) or genesis(study, *chain)
        if row["previous_hash"] != expected and row["id"] not in spoilt:
            kind = Tampering.REMOVED if gaps else Tampering.ALTERED
            findings.append(
                Finding(
                    kind,
                    row["id"],
                    f"row {row['id']} does not follow the row of {chain[0]} on {chain[1]} before it: "
                    f"a row before it was {kind}",
                )
            )
        heads[chain] = row["hash"]
    return findings


def _moved(spoilt: Mapping[int, Mapping[str, Any]]) -> dict[int, int]:
    """Rows whose hash is right under the id of another spoilt row: where they are → where they were."""
    if len(spoilt) > 300:  # quadratic; so many are told one by one as altered
        return {}
    return {
        at: was
        for at, row in spoilt.items()
        for was in spoilt
        if was != at and row_hash({**row, "id": was}) == row["hash"]
    }


def _gaps(ids: Sequence[int], highest: int) -> list[Finding]:
    """Rows missing from 1 … highest."""
    return [
        Finding(
            Tampering.REMOVED, after, f"rows {before + 1} to {after - 1} are gone: {after - before - 1} were removed"
        )
        for before, after in pairwise([0, *ids, max(0, highest, *ids) + 1])
        if after != before + 1
    ]
