"""A card in words, for terminals and panels."""

from allviewer.systems.card import Figure, SystemCard


def describe(card: SystemCard) -> str:
    """The card as text, a line or two a fact; limits and the research-use notice come with it."""
    training, judged = card.training, card.judged
    lines = [
        f"model    {card.name} {card.version}: {card.title}",
        f"system   {card.system}. {card.paper}",
        f"input    {card.unit}, {card.input_px} px showing {card.crop_um:g} µm",
        f"classes  {', '.join(card.classes)}",
    ]
    for source in card.data:
        counts = ", ".join(f"{n} {key}" for key, n in source.cells.items())
        lines.append(f"data     {source.name}: {counts}. {source.citation}. Licence: {source.licence}. {source.note}")
    lines += [
        f"training {training.epochs} epochs of {training.optimiser} at {training.learning_rate:g}, "
        f"batch {training.batch}, augmentation '{training.augmentation}', seed {training.seed}, {training.precision}, "
        f"{training.seconds:.0f} s on {training.machine}, from {training.starting_weights} weights",
        *(f"         departs from the paper: {each}" for each in training.departures),
        f"judged   {judged.split}",
    ]
    for name, figure in judged.metrics.items():
        beside = judged.baseline.get(name)
        other = "" if beside is None else f"   (colour baseline {beside.value:.3f})"
        lines.append(f"         {name.replace('_', ' '):26}{figure_text(figure)}{other}")
    lines += [f"         {note}" for note in judged.notes]
    lines.append(f"calibr.  {card.calibration.fitted_on}")
    lines.append(f"unsure   {card.unsure.how}")
    if card.likeness is not None:
        lines.append(f"unlike   {card.likeness.how}")
    lines += [f"limit    {limit}" for limit in card.limits]
    return "\n".join([*lines, f"licence  {card.licence}"])


def figure_text(figure: Figure) -> str:
    """``0.912 (0.850 to 0.960)``."""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
