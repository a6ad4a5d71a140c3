"""Every verb of the program as data: menus, buttons, shortcuts, tooltips and the help page are made from this table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from allviewer.gui.desk import Desk
from allviewer.vocab.taxonomy import NOT_A_CELL, UNSURE, Taxonomy

MENUS = ("File", "Slide", "Analyse", "Review", "View", "Help")


class Bench(Protocol):
    """What verbs act on: the desk, and what only a window can do."""

    @property
    def desk(self) -> Desk:
        """State, and the verbs that need no widget."""

    def open_images(self) -> None:
        """Ask for images and open them."""

    def open_study(self) -> None:
        """Ask for a study file and open it."""

    def open_sample(self) -> None:
        """Open the rendered sample."""

    def close_image(self) -> None:
        """Take the image on screen off the worklist."""

    def save_screenshot(self) -> None:
        """Ask for a name and save what the window shows."""

    def quit(self) -> None:
        """Close the window."""

    def set_pixel_size(self) -> None:
        """Ask for the pixel size and analyse again."""

    def analyse(self) -> None:
        """Analyse the image on screen."""

    def choose_recipe(self) -> None:
        """Ask how cells are to be found, and analyse again."""

    def choose_model(self) -> None:
        """Show every model and its card, and analyse with the one that is chosen."""

    def toggle(self, what: str) -> None:
        """Show or hide outlines, nuclei, heat, a lens (stain or steps), filters, card, layers or help."""

    def heat_scope(self, scope: str) -> None:
        """Paint the heat of the selected ``cell``, of the ``view`` or of the whole ``field``."""

    def next_heat_class(self) -> None:
        """Show the heat for another class."""

    def next_stain_method(self) -> None:
        """Normalise the stain by the other method."""

    def step(self, by: int) -> None:
        """Show the next or the previous step of the segmentation."""

    def fit(self) -> None:
        """Show the whole image."""

    def zoom(self, factor: float) -> None:
        """Come closer or go away."""

    def zoom_to_cell(self) -> None:
        """Bring the selected cell close."""

    def switch_theme(self) -> None:
        """Light or dark."""

    def step_back(self) -> None:
        """Undo the last way in: a page, a field of text, a selection, a zoom."""

    def show_about(self) -> None:
        """Say what the program is."""


def _always(_: Bench) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One verb.

    Attributes
    ----------
    id : dotted name, stable.
    title : what the menu and the button say.
    menu : one of `MENUS`; commands of one menu keep the table's order, and ``group`` changes draw a line between.
    keys : Qt key sequences; the first is printed on the button.
    tip : one line.
    when : whether it makes sense now.
    run : does it.
    """

    id: str
    title: str
    menu: str
    keys: tuple[str, ...]
    tip: str
    run: Callable[[Bench], object]
    when: Callable[[Bench], bool] = _always
    group: str = ""


def _image(b: Bench) -> bool:
    return b.desk.current is not None


def _cells(b: Bench) -> bool:
    return b.desk.has_cells


def _selected(b: Bench) -> bool:
    return b.desk.row is not None


def _heat(b: Bench) -> bool:
    return b.desk.has_heat


def _analysed(b: Bench) -> bool:
    return b.desk.session is not None


def _idle(b: Bench) -> bool:
    return _image(b) and b.desk.analysing is None


def _busy(b: Bench) -> bool:
    return b.desk.analysing is not None


def _relabel(b: Bench, key: str) -> None:
    b.desk.relabel(key)


LABEL = "review.label."
"""Before a class's key: the command that labels the selected cell so."""


def _titled(name: str) -> str:
    """With a capital first letter, the others as they are: pre-B stays pre-B."""
    return name[:1].upper() + name[1:]


def _class_commands(taxonomy: Taxonomy) -> list[Command]:
    return [
        Command(
            f"{LABEL}{c.key}", _titled(c.name), "Review", (str(i),), f"Review the selected cell as {c.name}",
            partial(_relabel, key=c.key), _selected, "label",
        )
        for i, c in enumerate(taxonomy.classes[:9], start=1)
    ]  # fmt: skip


def commands(taxonomy: Taxonomy) -> tuple[Command, ...]:
    """The whole table for one set of classes."""
    c = Command
    return (
        c("file.open", "Open images…", "File", ("Ctrl+O",), "Open one or more smear images", lambda b: b.open_images()),
        c("file.study", "Open a study…", "File", ("Ctrl+Shift+O",),
          "Open or begin the file that keeps your decisions", lambda b: b.open_study()),
        c("file.sample", "Try the sample", "File", (), "Open a rendered (synthetic) smear", lambda b: b.open_sample()),
        c("file.close", "Close this image", "File", ("Ctrl+W",), "Take this image off the worklist; decisions stay",
          lambda b: b.close_image(), _image),
        c("file.screenshot", "Save a picture of the window…", "File", ("Ctrl+Shift+S",),
          "Save what the window shows as a PNG file", lambda b: b.save_screenshot(), group="out"),
        c("file.quit", "Quit", "File", ("Ctrl+Q",), "Close the window; every decision is already saved",
          lambda b: b.quit(), group="quit"),
        c("slide.next", "Next image", "Slide", ("PgDown",), "Show the next image of the worklist",
          lambda b: b.desk.step_image(1), _image),
        c("slide.previous", "Previous image", "Slide", ("PgUp",), "Show the image before this one",
          lambda b: b.desk.step_image(-1), _image),
        c("slide.pixel", "Set the pixel size…", "Slide", (), "Type the µm per pixel you know, and analyse again",
          lambda b: b.set_pixel_size(), _image, "optics"),
        c("analyse.run", "Analyse this image", "Analyse", ("F5",), "Find and classify the cells of this image",
          lambda b: b.analyse(), _idle),
        c("analyse.cancel", "Stop the analysis", "Analyse", ("Shift+F5",),
          "Stop after the tile in work; what is found stays", lambda b: b.desk.cancel(), _busy),
        c("analyse.recipe", "Choose the recipe…", "Analyse", (),
          "Choose how cells are found and in what pixels, and analyse again", lambda b: b.choose_recipe(), _image,
          "recipe"),
        c("analyse.model", "Choose the model…", "Analyse", ("F6",),
          "See every model and its card, and analyse with another one", lambda b: b.choose_model(), group="recipe"),
        c("review.accept", "Accept, go on", "Review", ("Return", "Enter", "Space"),
          "Confirm the label shown and go to the next uncertain cell", lambda b: b.desk.accept(), _selected),
        *_class_commands(taxonomy),
        c("review.reject", NOT_A_CELL.name.capitalize(), "Review", ("Backspace", "Delete"),
          "Review this outline as not a cell", lambda b: b.desk.relabel(NOT_A_CELL.key), _selected, "label"),
        c("review.unsure", UNSURE.name.capitalize(), "Review", ("U",), "Review this cell as unsure",
          lambda b: b.desk.relabel(UNSURE.key), _selected, "label"),
        c("review.next", "Next uncertain", "Review", ("N", "Right", "Down"), "Go to the next uncertain cell",
          lambda b: b.desk.step_uncertain(1), _cells, "walk"),
        c("review.previous", "Previous uncertain", "Review", ("P", "Left", "Up"),
          "Go back to the uncertain cell before", lambda b: b.desk.step_uncertain(-1), _cells, "walk"),
        c("review.undo", "Undo", "Review", ("Ctrl+Z",), "Take the last decision back", lambda b: b.desk.undo(),
          lambda b: b.desk.can_undo, "undo"),
        c("review.redo", "Redo", "Review", ("Ctrl+Y", "Ctrl+Shift+Z"), "Make the decision again that was taken back",
          lambda b: b.desk.redo(), lambda b: b.desk.can_redo, "undo"),
        c("view.outlines", "Outlines", "View", ("O",), "Show or hide the outlines", lambda b: b.toggle("outlines"),
          _image),
        c("view.nuclei", "Nucleus outlines", "View", ("Shift+O",), "Show or hide the outlines of nuclei",
          lambda b: b.toggle("nuclei"), _image),
        c("view.heat", "Heat map", "View", ("H",), "Show or hide where the model looked (Grad-CAM)",
          lambda b: b.toggle("heat"), _heat, "heat"),
        c("view.heat.class", "Heat for the next class", "View", ("Shift+H",), "Show the heat map of another class",
          lambda b: b.next_heat_class(), _heat, "heat"),
        c("view.heat.cell", "Heat of the selected cell", "View", (), "Paint the heat map of the selected cell alone",
          lambda b: b.heat_scope("cell"), _heat, "heat"),
        c("view.heat.view", "Heat of the cells in view", "View", (), "Paint the heat maps of what is on screen",
          lambda b: b.heat_scope("view"), _heat, "heat"),
        c("view.heat.field", "Heat of the whole field", "View", (), "Paint the heat maps of all cells",
          lambda b: b.heat_scope("field"), _heat, "heat"),
        c("view.stain", "Stain-normalised view", "View", ("T",), "See the slide as a typically stained one",
          lambda b: b.toggle("stain"), _image, "lens"),
        c("view.stain.method", "Normalise by the other method", "View", ("Shift+T",),
          "Change between Macenko's and Reinhard's normalisation", lambda b: b.next_stain_method(), _image, "lens"),
        c("view.steps", "Show the steps", "View", ("S",), "See step by step how the cells here were found",
          lambda b: b.toggle("steps"), _analysed, "lens"),
        c("view.steps.next", "Next step", "View", (".",), "Show the next step of the segmentation",
          lambda b: b.step(1), _analysed, "lens"),
        c("view.steps.previous", "Step before", "View", (",",), "Show the step of the segmentation before this one",
          lambda b: b.step(-1), _analysed, "lens"),
        c("view.filters", "Filters", "View", ("F",), "Show or hide the worklist and the filters",
          lambda b: b.toggle("filters"), group="panels"),
        c("view.card", "Cell card", "View", ("C",), "Show or hide the card of the selected cell",
          lambda b: b.toggle("card"), group="panels"),
        c("view.fit", "Fit to window", "View", ("Home", "Ctrl+0"), "Show the whole image", lambda b: b.fit(), _image,
          "zoom"),
        c("view.cell", "Zoom to the cell", "View", ("Z",), "Bring the selected cell close", lambda b: b.zoom_to_cell(),
          _selected, "zoom"),
        c("view.in", "Zoom in", "View", ("+", "="), "Closer", lambda b: b.zoom(1.5), _image, "zoom"),
        c("view.out", "Zoom out", "View", ("-",), "Further away", lambda b: b.zoom(1 / 1.5), _image, "zoom"),
        c("view.theme", "Light or dark", "View", ("Ctrl+Shift+L",), "Change between the light and the dark look",
          lambda b: b.switch_theme(), group="look"),
        c("view.layers", "napari's layers", "View", (), "Show or hide napari's own layer list and controls",
          lambda b: b.toggle("layers"), group="look"),
        c("help.keys", "Keys", "Help", ("?", "F1"), "Show every key", lambda b: b.toggle("help")),
        c("help.back", "One step back", "Help", ("Esc",), "Close what is open, or let go of the cell",
          lambda b: b.step_back()),
        c("help.about", "About allviewer", "Help", (), "Version, licence and what this program is not",
          lambda b: b.show_about(), group="about"),
    )  # fmt: skip


def printed(key: str) -> str:
    """A key as it is printed on a button."""
    signs = {"Return": "⏎", "Enter": "⏎", "Backspace": "⌫", "Delete": "Del", "Right": "→", "Left": "←", "Up": "↑",
             "Down": "↓", "PgDown": "Page ↓", "PgUp": "Page ↑", "Esc": "Esc"}  # fmt: skip
    return "+".join(signs.get(part, part) for part in key.split("+")) if key != "+" else "+"
