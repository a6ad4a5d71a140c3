"""Random acts on a session: undo to the beginning, redo to the end, and a reopened session, all agree."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.records import Study
from allviewer.review import ReviewSession
from allviewer.vocab.errors import ConflictError
from allviewer.vocab.taxonomy import ALL_HEM

N = 8
rows = st.lists(st.integers(0, N - 1), min_size=1, max_size=N)
acts = st.one_of(
    st.tuples(st.sampled_from(["accept", "reject", "mark_unsure"]), rows),
    st.tuples(st.sampled_from(["blast", "normal"]), rows),
    st.tuples(st.sampled_from(["undo", "redo"]), st.none()),
)


def perform(session, act):
    what, at = act
    if what in ("undo", "redo"):
        return getattr(session, what)()
    if what in ALL_HEM.keys:
        return session.relabel(at, what)
    return getattr(session, what)(at)


def opened(make, study, run="run"):
    session = ReviewSession(ALL_HEM, study, "slide", run)
    table = make().grid(N)
    session.add(table)
    session.classify(table.ids[: N - 2], make().prediction(np.linspace(0, 1, N - 2)))
    return session


def following(session):
    """A view: an array of what is shown, kept up by the signal alone."""
    view = session.shown.copy()

    def follow(at):
        view[at] = session.shown[at]

    session.changed.connect(follow)
    return view


@settings(max_examples=80, deadline=None)
@given(script=st.lists(acts, max_size=30))
def test_undo_to_the_beginning_and_redo_to_the_end(make_factory, script):
    with Study.in_memory(reader="anna") as study:
        session = opened(make_factory, study)
        view = following(session)
        for act in script:
            before = session.label.copy()
            changed = perform(session, act)
            assert set(np.flatnonzero(before != session.label)) <= set(changed.tolist())
            assert (view == session.shown).all()
        end, fresh = session.label.copy(), opened(make_factory, study)
        assert (fresh.label == end).all()
        states = [end]
        while session.can_undo:
            session.undo()
            states.append(session.label.copy())
        assert not session.reviewed.any()
        for state in reversed(states[:-1]):
            session.redo()
            assert (session.label == state).all()
        assert (session.label == end).all()
        assert (view == session.shown).all()
        fresh.refresh()
        assert (fresh.label == end).all()


@settings(max_examples=60, deadline=None)
@given(script=st.lists(st.tuples(st.integers(0, 1), acts), max_size=30))
def test_two_readers_two_runs_one_slide(make_factory, tmp_path_factory, script):
    """Each act is either done on what its reader saw or refused; in the end both see the same."""
    path = tmp_path_factory.mktemp("study") / "s.sqlite"
    with Study.open(path, reader="anna") as one, Study.open(path, reader="ben") as two:
        sessions = [opened(make_factory, one, "first run"), opened(make_factory, two, "second run")]
        for who, act in script:
            sessions[who].refresh()
            try:
                perform(sessions[who], act)
            except ConflictError:
                assert act[0] in ("undo", "redo")  # labels were fresh, so only an old batch can be in conflict
        for session in sessions:
            session.refresh()
            assert session.orphans == []
        assert (sessions[0].label == sessions[1].label).all()
