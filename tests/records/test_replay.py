"""Random acts of two readers against a model of a few lines; the log replayed gives the live state."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allviewer.records import Study
from allviewer.vocab.decision import Act, Decision
from allviewer.vocab.errors import ConflictError

READERS = ("anna", "ben")
LABELS = ("blast", "normal", "unsure", "not-a-cell")
who = st.sampled_from(READERS)
batch = st.dictionaries(st.integers(1, 5), st.sampled_from(LABELS), min_size=1, max_size=4)
acts = st.lists(st.one_of(st.tuples(who, batch), st.tuples(who, st.sampled_from(["undo", "redo"]))), max_size=40)


class Model:
    """Labels as a dict, undo as stacks of (before, after) dicts."""

    def __init__(self) -> None:
        self.labels: dict[int, str | None] = {}
        self.done = {reader: [] for reader in READERS}
        self.undone = {reader: [] for reader in READERS}

    def set(self, reader, labels):
        before = {cell: self.labels.get(cell) for cell in labels}
        self.labels |= labels
        self.done[reader].append((before, labels))
        self.undone[reader] = []

    def step(self, reader, back):
        """Undo or redo; returns whether it was refused."""
        source, sink = (self.done, self.undone) if back else (self.undone, self.done)
        if not source[reader]:
            return False
        before, after = source[reader][-1]
        old, new = (after, before) if back else (before, after)
        if any(self.labels.get(cell) != label for cell, label in old.items()):
            return True
        self.labels |= new
        sink[reader].append(source[reader].pop())
        return False

    @property
    def reviewed(self):
        return {cell: label for cell, label in self.labels.items() if label is not None}


def commit(study, model, labels):
    study.commit([
        Decision("s", cell, Act.RELABEL, model.labels.get(cell), label, None, (cell, cell), (0, 0, 1, 1), "r")
        for cell, label in labels.items()
    ])  # fmt: skip


def labels(study):
    return {one.cell: one.label for one in study.labels("s")}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts)
def test_random_acts_of_two_readers(tmp_path_factory, script):
    path, model = tmp_path_factory.mktemp("study") / "s.sqlite", Model()
    studies = {reader: Study.open(path, reader=reader) for reader in READERS}
    try:
        for reader, what in script:
            study = studies[reader]
            if isinstance(what, dict):
                commit(study, model, what)
                model.set(reader, what)
                continue
            refused = model.step(reader, what == "undo")
            try:
                study.undo("s") if what == "undo" else study.redo("s")
            except ConflictError:
                assert refused
            else:
                assert not refused
        for reader, study in studies.items():
            assert labels(study) == model.reviewed
            with Study.open(path, reader=reader) as again:
                assert again.labels("s") == study.labels("s")
                assert again.can_undo("s") == study.can_undo("s") == bool(model.done[reader])
                assert again.can_redo("s") == study.can_redo("s") == bool(model.undone[reader])
    finally:
        for study in studies.values():
            study.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(batch, st.sampled_from(["undo", "redo"])), max_size=40))
def test_undo_to_the_beginning_and_redo_to_the_end(script):
    model = Model()
    with Study.in_memory(reader="anna") as study:
        for what in script:
            if isinstance(what, dict):
                commit(study, model, what)
                model.set("anna", what)
            else:
                study.undo("s") if what == "undo" else study.redo("s")
                assert not model.step("anna", what == "undo")
        states, stack = [labels(study)], 0
        while study.undo("s") is not None:
            states.append(labels(study))
            stack += 1
        assert states[-1] == {}
        assert stack == len(model.done["anna"])
        for state in reversed(states[:-1]):
            assert study.redo("s") is not None
            assert labels(study) == state
        while study.redo("s") is not None:  # what had been undone before
            pass
        while model.undone["anna"]:
            model.step("anna", False)
        assert labels(study) == model.reviewed
