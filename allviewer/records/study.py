"""A study: slides and every decision made on them, in a database that only grows."""

import getpass
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from platformdirs import user_data_path
from sqlalchemy import Connection, Select, and_, func, insert, select

from allviewer.records.chain import genesis, row_hash
from allviewer.records.database import Database
from allviewer.records.log import BatchId, KnownSlide, LogRow, Settled, columns_of, now, row_of, swapped
from allviewer.records.replay import Batch, SlideLog
from allviewer.records.schema import decision, model_used, sighting, slide
from allviewer.vocab.decision import Act, Decision
from allviewer.vocab.errors import AlteredModelError, StudyError

Allow = Callable[[Sequence[Decision]], None]
"""Looks at decisions before they are written, and raises where they must not be."""


def default_path() -> Path:
    """The study used where none is named: in the user's data folder, which is made if missing."""
    folder = user_data_path("allviewer", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise StudyError(
            "the folder for the study cannot be made",
            where=str(folder),
            got=fault.strerror or str(fault),
            todo="Choose a study file elsewhere with --study FILE.",
        ) from fault
    return folder / "study.sqlite"


class Study:
    """One study database, opened by one reader. Make one with `open` or `in_memory`.

    A decision is on disk when `commit` returns (SQLite: write-ahead log, synchronous=FULL). Rows are added, never
    changed. Several studies may be open on one file, in one program or in several: what they disagree on is found
    inside the transaction and refused as a ConflictError.

    Attributes
    ----------
    path : the file, or None in memory.
    reader, device : the person and the machine written into every row.
    uid : the study's own random name.
    """

    def __init__(self, database: Database, reader: str, device: str) -> None:
        self._database = database
        self.path, self.uid = database.path, database.uid
        self.reader, self.device = reader, device
        self._logs: dict[str, SlideLog] = {}

    @classmethod
    def open(cls, where: Path | str | None = None, *, reader: str | None = None, device: str | None = None) -> Self:
        """Open a study file, or make it.

        Parameters
        ----------
        where : the file; made if missing, in a folder that exists. None: ``study.sqlite`` in the user's data folder.
        reader : who decides; None: the operating system's user.
        device : name of this machine; None: its host name.

        Raises
        ------
        StudyError
            Not a database, another program's, written by a newer allviewer, not readable or writable, damaged, held by
            another program, disk full. A file that is refused is left as it was.
        """
        reader, device = _named(reader), device or platform.node() or "unnamed device"
        if isinstance(where, str) and "://" in where:
            raise StudyError("only study files can be opened", where=where, todo="Give the path of a file.")
        path = default_path() if where is None else Path(where).expanduser().absolute()
        if path.is_dir():
            raise StudyError("a study is a file, this is a folder", where=str(path), todo="Add a file name to it.")
        if not path.parent.is_dir():
            raise StudyError(
                "the study cannot be made: its folder does not exist",
                where=str(path.parent),
                todo="Make the folder first, or choose another file with --study FILE.",
            )
        return cls(Database(path), reader, device)

    @classmethod
    def in_memory(cls, *, reader: str | None = None, device: str | None = None) -> Self:
        """A study that is gone when closed."""
        return cls(Database(None), _named(reader), device or platform.node() or "unnamed device")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def add_slide(
        self, digest: str, name: str, path: Path, shape: tuple[int, int], pixel_size_um: float | None
    ) -> None:
        """Note a slide, and where it lies now; a second time with the same facts adds nothing.

        Parameters
        ----------
        digest : content hash. name, path : where it was opened from.
        shape : (rows, columns) at level 0.
        pixel_size_um : µm per pixel, or None where unknown.
        """
        place = {"name": name, "path": str(path), "pixel_size_um": pixel_size_um}
        last = select(sighting).where(sighting.c.slide == digest).order_by(sighting.c.id.desc()).limit(1)
        with self._database.writing() as connection:
            if connection.execute(select(slide.c.digest).where(slide.c.digest == digest)).first() is None:
                facts = {"digest": digest, "height": int(shape[0]), "width": int(shape[1]), "at_utc": now()}
                connection.execute(insert(slide).values(**facts))
            seen = connection.execute(last).mappings().first()
            if seen is None or any(seen[key] != value for key, value in place.items()):
                connection.execute(insert(sighting).values(slide=digest, reader=self.reader, at_utc=now(), **place))

    def slides(self) -> list[KnownSlide]:
        """Every slide of the study, the longest unseen first, with what is known of its file."""
        last = select(func.max(sighting.c.id)).group_by(sighting.c.slide)
        seen = select(sighting).where(sighting.c.id.in_(last)).order_by(sighting.c.id)
        with self._database.reading() as connection:
            shapes = {digest: (h, w) for digest, h, w in connection.execute(
                select(slide.c.digest, slide.c.height, slide.c.width)
            )}  # fmt: skip
            return [
                KnownSlide(s["slide"], shapes[s["slide"]], s["name"], Path(s["path"]), s["pixel_size_um"])
                for s in connection.execute(seen).mappings()
            ]

    def known_models(self, name: str) -> list[str]:
        """Digests (sha256, hex) of the files that a model's name stood for in this study, the oldest first."""
        query = select(model_used.c.digest).where(model_used.c.name == name).order_by(model_used.c.id)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def admit_model(self, name: str, digest: str, *, accepted: bool = False) -> None:
        """Note that a model is used; a second time adds nothing.

        Parameters
        ----------
        name, digest : of the model and of its file (sha256, hex).
        accepted : this reader uses it although another file was recorded under its name.

        Raises
        ------
        AlteredModelError
            The study knows the name with another file only, and nobody accepted this one.
        """
        if digest in self.known_models(name):
            return
        with self._database.lock, self._database.writing() as connection:
            query = select(model_used.c.digest).where(model_used.c.name == name).order_by(model_used.c.id)
            known = list(connection.execute(query).scalars())
            if digest in known:
                return
            if known and not accepted:
                raise AlteredModelError(name, known[-1], digest, f"the study {self._database.where} used")
            row = {"name": name, "digest": digest, "reader": self.reader, "at_utc": now()}
            connection.execute(insert(model_used).values(**row, accepted_by=self.reader if accepted else None))

    def commit(self, decisions: Sequence[Decision]) -> BatchId:
        """Add decisions as one batch, all or none: one transaction, one undo step, on disk when this returns.

        Parameters
        ----------
        decisions : one or more, of one slide, each cell once, no undo or redo among them.

        Raises
        ------
        ConflictError
            A cell's label is not ``label_before``: another reader, or this one elsewhere, changed it.
        StudyError
            The database cannot take it (disk full, read-only, held by another program …).
        """
        of = _one_slide(decisions)
        with self._database.lock:
            with self._database.writing() as connection:
                log = self._caught_up(connection, of)
                decisions = log.identified(decisions)
                log.expect(decisions, self._database.where)
                rows = self._append(connection, decisions, None)
            log.apply(rows)  # only after the commit: a transaction that failed leaves the state as it was
        return rows[0].batch

    def undo(self, slide: str, allow: Allow = lambda _: None) -> list[Decision] | None:
        """Take back this reader's last batch of a slide by adding its opposite.

        Parameters
        ----------
        allow : is shown the rows before they are added, and raises where they must not be.

        Returns
        -------
        The rows added, or None where nothing is left to undo. ConflictError where someone changed the cells since.
        """
        return self._revert(slide, Act.UNDO, allow)

    def redo(self, slide: str, allow: Allow = lambda _: None) -> list[Decision] | None:
        """Take back this reader's last undo of a slide, where nothing was decided by the reader since; as `undo`."""
        return self._revert(slide, Act.REDO, allow)

    def _revert(self, slide: str, act: Act, allow: Allow) -> list[Decision] | None:
        with self._database.lock:
            with self._database.writing() as connection:
                log = self._caught_up(connection, slide)
                stack = log.undoable if act is Act.UNDO else log.redoable
                if not stack:
                    return None
                decisions = [swapped(row.decision, act) for row in _rows(connection, _of_batch(stack[-1]))]
                log.expect(decisions, self._database.where)
                allow(decisions)
                rows = self._append(connection, decisions, stack[-1].first)
            log.apply(rows)
        return decisions

    def can_undo(self, slide: str) -> bool:
        """Whether this reader has a batch of a slide to undo."""
        return bool(self._log(slide).undoable)

    def can_redo(self, slide: str) -> bool:
        """Whether this reader's last act on a slide was an undo."""
        return bool(self._log(slide).redoable)

    def labels(self, slide: str) -> list[Settled]:
        """Replay the log: every cell of a slide that has a reviewed label now, the longest settled first."""
        with self._database.reading() as connection:
            return self._caught_up(connection, slide).settled()

    def history(self, slide: str, cell: int | None = None, run: str | None = None) -> list[LogRow]:
        """Rows of the log, oldest first.

        Parameters
        ----------
        cell : only this id. run : only this run; with ``cell``, every row of the cell that this run calls so, those
            made in other runs too.
        """
        wanted = decision.c.slide == slide
        with self._database.reading() as connection:
            origin = None
            if cell is not None and run is not None:
                origin = self._caught_up(connection, slide).origin(run, cell)
            if origin is not None:
                same = and_(decision.c.origin_run == origin[0], decision.c.origin_cell == origin[1])
                return _rows(connection, _log().where(wanted, same))
            if cell is not None:
                wanted = and_(wanted, decision.c.cell == cell)
            if run is not None:
                wanted = and_(wanted, decision.c.run == run)
            return _rows(connection, _log().where(wanted))

    def heads(self) -> dict[tuple[str, str], str]:
        """(reader, device) → hash of the last row of that chain: what a signature has to name."""
        last = select(func.max(decision.c.id)).group_by(decision.c.reader, decision.c.device)
        ends = select(decision.c.reader, decision.c.device, decision.c.hash).where(decision.c.id.in_(last))
        with self._database.reading() as connection:
            return {(reader, device): head for reader, device, head in connection.execute(ends)}

    def _log(self, slide: str) -> SlideLog:
        """The slide's state as this study last saw it."""
        if slide not in self._logs:
            with self._database.reading() as connection:
                return self._caught_up(connection, slide)
        return self._logs[slide]

    def _caught_up(self, connection: Connection, slide: str) -> SlideLog:
        """The slide's state with every committed row, those of other programs too."""
        log = self._logs.setdefault(slide, SlideLog(self.reader))
        log.apply(_rows(connection, _log().where(decision.c.slide == slide, decision.c.id > log.last_id)))
        return log

    def _append(self, connection: Connection, decisions: Sequence[Decision], reverts: BatchId | None) -> list[LogRow]:
        """Write decisions as the next rows of the log and of this reader's hash chain."""
        mine = (decision.c.reader == self.reader, decision.c.device == self.device)
        ends = select(decision.c.hash).where(*mine).order_by(decision.c.id.desc()).limit(1)
        previous = connection.execute(ends).scalar() or genesis(self.uid, self.reader, self.device)
        first = (connection.execute(select(func.max(decision.c.id))).scalar() or 0) + 1
        written, at = [], now()
        for number, one in enumerate(decisions, first):
            row: dict[str, Any] = {
                "id": number, "batch": first, "reverts": reverts, "reader": self.reader, "device": self.device,
                "at_utc": at, **columns_of(one), "previous_hash": previous,
            }  # fmt: skip
            previous = row["hash"] = row_hash(row)
            written.append(row)
        connection.execute(insert(decision), written)
        return [row_of(row) for row in written]


def _log() -> Select[Any]:
    return select(decision).order_by(decision.c.id)


def _of_batch(batch: Batch) -> Select[Any]:
    return _log().where(decision.c.id.between(batch.first, batch.last))


def _rows(connection: Connection, query: Select[Any]) -> list[LogRow]:
    stored: Sequence[Mapping[Any, Any]] = connection.execute(query).mappings().all()
    return [row_of(row) for row in stored]


def _named(reader: str | None) -> str:
    """The reader's name; the operating system's user where none is given."""
    if reader is None:
        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):  # no such user, and no environment variable that names one
            return "unnamed reader"
    if not reader.strip():
        raise StudyError("a reader needs a name", expected="some letters", got=repr(reader), todo="Give the name.")
    return reader.strip()


def _one_slide(decisions: Sequence[Decision]) -> str:
    """The slide that a well-formed batch is about; ValueError for a batch that no view should ask for."""
    if not decisions:
        raise ValueError("a batch needs at least one decision")
    if any(d.act in (Act.UNDO, Act.REDO) for d in decisions):
        raise ValueError("undo and redo are not committed: ask undo() and redo()")
    slides, cells = {d.slide for d in decisions}, {(d.run, d.cell) for d in decisions}
    if len(slides) != 1 or len(cells) != len(decisions):
        raise ValueError("a batch is about one slide, and names each cell once")
    return slides.pop()
