"""A dark and a light look: quiet greys, so that the only colours on the screen are the classes and the stain."""

from dataclasses import dataclass

from napari.utils.theme import Theme, available_themes, register_theme


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of one theme, #RRGGBB: grounds from back to front, text, and the accent of what has the focus."""

    key: str
    dark: bool
    canvas: str
    ground: str
    raised: str
    button: str
    pressed: str
    line: str
    text: str
    dim: str
    accent: str
    warning: str


DARK = Look(
    "allviewer-dark", True, canvas="#141518", ground="#1E2024", raised="#272A30", button="#343840", pressed="#474D58",
    line="#3B4048", text="#ECEDEE", dim="#A9AFB8", accent="#8FC1D4", warning="#FFB454",
)  # fmt: skip
LIGHT = Look(
    "allviewer-light", False, canvas="#DDDFE2", ground="#F3F4F5", raised="#FFFFFF", button="#E4E6E9", pressed="#CDD1D6",
    line="#C4C8CE", text="#1B1D20", dim="#565C65", accent="#1F6F8B", warning="#8A4B00",
)  # fmt: skip
SMALLEST_TEXT = 12
"""Pixels; nothing on the screen is smaller."""


def register(look: Look) -> None:
    """Make a theme known to napari: once a process, when it is first worn, since its icons take half a second."""
    if look.key not in available_themes():
        theme = Theme(
            id=look.key, label=look.key.replace("-", " "), type="dark" if look.dark else "light",
            syntax_style="native" if look.dark else "default", canvas=look.canvas, console=look.ground,
            background=look.ground, foreground=look.raised, primary=look.button, secondary=look.pressed,
            highlight=look.accent, text=look.text, icon=look.text, warning=look.warning, error="#D5463C",
            current=look.accent, font_size="10pt",
        )  # fmt: skip
        register_theme(look.key, theme, "allviewer")


def sheet(look: Look) -> str:
    """Qt style sheet of our own panels (napari styles its own)."""
    return f"""
    QWidget {{ background: {look.ground}; color: {look.text}; font-size: 13px; }}
    QLabel {{ background: transparent; padding: 0; margin: 0; }}
    QLabel[role="dim"] {{ color: {look.dim}; font-size: {SMALLEST_TEXT}px; }}
    QLabel[role="title"] {{ font-size: {SMALLEST_TEXT}px; font-weight: 600; color: {look.dim}; }}
    QLabel[role="big"] {{ font-size: 16px; font-weight: 600; }}
    QLabel[role="warning"] {{ color: {look.warning}; }}
    QPushButton, QToolButton {{ background: {look.button}; border: 1px solid {look.line}; border-radius: 4px;
        padding: 5px 9px; min-height: 18px; text-align: left; }}
    QPushButton:hover, QToolButton:hover {{ background: {look.pressed}; }}
    QPushButton:pressed, QPushButton:checked, QToolButton:checked {{ background: {look.pressed};
        border-color: {look.accent}; }}
    QPushButton:focus, QToolButton:focus, QComboBox:focus, QListWidget:focus, QLineEdit:focus
        {{ border: 1px solid {look.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {look.dim}; background: {look.raised}; }}
    QComboBox, QLineEdit {{ background: {look.raised}; border: 1px solid {look.line}; border-radius: 4px;
        padding: 3px 6px; min-height: 18px; selection-background-color: {look.pressed}; }}
    QComboBox QAbstractItemView {{ background: {look.raised}; border: 1px solid {look.line};
        selection-background-color: {look.pressed}; }}
    QListWidget {{ background: {look.ground}; border: 1px solid {look.line}; border-radius: 4px; outline: 0; }}
    QListWidget::item {{ padding: 5px 6px; border: 0; }}
    QListWidget::item:selected {{ background: {look.pressed}; color: {look.text}; }}
    QCheckBox {{ background: transparent; spacing: 6px; min-height: 20px; font-size: 13px; }}
    QCheckBox::indicator {{ background: {look.raised}; border: 1px solid {look.line}; }}
    QCheckBox::indicator:checked {{ background: {look.pressed}; }}
    QSlider {{ background: transparent; min-height: 18px; }}
    QSlider::groove:horizontal {{ background: {look.button}; height: 6px; border-radius: 3px; }}
    QSlider::sub-page:horizontal {{ background: {look.accent}; border-radius: 3px; }}
    QSlider::add-page:horizontal {{ background: {look.button}; border-radius: 3px; }}
    QSlider::handle:horizontal {{ background: {look.accent}; width: 14px; margin: -4px 0; border-radius: 7px; }}
    QProgressBar {{ background: {look.raised}; border: 1px solid {look.line}; border-radius: 4px; max-height: 12px;
        text-align: center; }}
    QProgressBar::chunk {{ background: {look.accent}; border-radius: 3px; }}
    QScrollArea {{ border: 0; }}
    QFrame[role="line"] {{ background: {look.line}; max-height: 1px; border: 0; }}
    QFrame[role="card"] {{ background: {look.raised}; border: 1px solid {look.line}; border-radius: 6px; }}
    QFrame[role="card"] QLabel {{ background: transparent; }}
    QToolTip {{ background: {look.raised}; color: {look.text}; border: 1px solid {look.line}; }}
    """
