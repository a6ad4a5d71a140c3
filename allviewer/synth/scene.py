"""What is to be rendered: a frozen description from which every pixel follows."""

from dataclasses import dataclass

from numpy.random import Generator, default_rng

from allviewer.synth.stains import STAINS

PARCEL_UM = 47.0
"""Side of the squares in which white cells are placed; wide enough for a clump of half a dozen blasts."""
SLOTS = 8
"""White cells and smudges that one parcel can hold."""
CLUMP_PARCEL_UM = 62.0
"""Side of the squares where `Scene.clumps` are asked for: eight blasts side by side, and a rim of red cells."""
LARGEST_CLUMP = 8
WHITE_PER_UM2 = 35 / 46_400.0
SMUDGES_PER_UM2 = 3 / 46_400.0
_MOST = {
    "cleft_um": 2,
    "blur_um": 3,
    "noise": 60,
    "fringe_um": 2,
    "platelets_per_mm2": 50_000,
    "precipitate_per_mm2": 50_000,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Settings of one synthetic smear.

    Attributes
    ----------
    height, width : pixels.
    seed : any non-negative integer; the same settings give the same pixels.
    um_per_px : µm per pixel, 0.02 to 2.
    stain : a key of `STAINS`.
    white_cells : exact number of white cells whose centre lies in the image; None: as dense as the sample field.
    blast_fraction : probability that a white cell is a blast, 0 to 1.
    clumping : probability that the white cells of a neighbourhood touch, 0 to 1.
    clumps : sizes, 2 to 8 each, of clumps of touching blasts, one a parcel; then there is no other white cell and no
        smudge. Empty: white cells lie as ``clumping`` says.
    cleft_um : width of the cleft that stays between cells that touch; 0: they share one border.
    smudges : exact number of smudge cells; None: as dense as the sample field.
    red_spacing : least distance of independent red cells, in red-cell diameters; smaller is denser.
    rouleaux : probability that a red cell has another lying half over it, 0 to 0.9.
    platelets_per_mm2, precipitate_per_mm2 : mean densities.
    blur_um : standard deviation of the optical blur, µm.
    noise : standard deviation of the sensor noise at full light, grey levels.
    vignette : share of the light lost in the farthest corner.
    fringe_um : shift between the red and the blue image, µm (lateral chromatic aberration).
    """

    height: int
    width: int
    seed: int = 0
    um_per_px: float = 0.096
    stain: str = "wright-giemsa"
    white_cells: int | None = None
    blast_fraction: float = 0.5
    clumping: float = 0.65
    clumps: tuple[int, ...] = ()
    cleft_um: float = 0.2
    smudges: int | None = None
    red_spacing: float = 0.77
    rouleaux: float = 0.15
    platelets_per_mm2: float = 420.0
    precipitate_per_mm2: float = 200.0
    blur_um: float = 0.10
    noise: float = 1.6
    vignette: float = 0.10
    fringe_um: float = 0.05

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a smear of {self.height} x {self.width} pixels has no area")
        if not 0.02 <= self.um_per_px <= 2:
            raise ValueError(f"{self.um_per_px} µm per pixel cannot be rendered: expected 0.02 to 2")
        if self.stain not in STAINS:
            raise ValueError(f"{self.stain!r} is no stain: there are {', '.join(STAINS)}")
        if self.seed < 0:
            raise ValueError(f"a seed is a non-negative integer, not {self.seed}")
        for name in ("blast_fraction", "clumping", "vignette"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share between 0 and 1, not {getattr(self, name)}")
        if not 0 <= self.rouleaux <= 0.9:
            raise ValueError(f"rouleaux is a probability between 0 and 0.9, not {self.rouleaux}")
        if not 0.5 <= self.red_spacing <= 4:
            raise ValueError(f"red_spacing is 0.5 to 4 red-cell diameters, not {self.red_spacing}")
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is 0 to {most}, not {getattr(self, name)}")
        self._check_clumps()
        if not 0 <= self.bodies <= self.slots or min(self.whites, self.smudge_count) < 0:
            raise ValueError(
                f"{self.whites} white cells and {self.smudge_count} smudges do not fit: this field holds {self.slots}"
            )

    def _check_clumps(self) -> None:
        if not self.clumps:
            return
        if not all(2 <= size <= LARGEST_CLUMP for size in self.clumps):
            raise ValueError(f"clumps are of 2 to {LARGEST_CLUMP} blasts, not {self.clumps}")
        if self.white_cells is not None or self.smudges:
            raise ValueError("clumps leave no room for other white cells or smudges: ask for one or the other")
        rows, cols = self.parcels
        if len(self.clumps) > rows * cols:
            raise ValueError(f"{len(self.clumps)} clumps do not fit: this field holds {rows * cols}")

    @property
    def area_um2(self) -> float:
        """Area of the image, µm²."""
        return self.height * self.width * self.um_per_px**2

    @property
    def parcels(self) -> tuple[int, int]:
        """Rows and columns of parcels; together they cover the image exactly."""
        if self.clumps:  # none narrower than a clump
            side = CLUMP_PARCEL_UM / self.um_per_px
            return int(self.height // side), int(self.width // side)
        side = PARCEL_UM / self.um_per_px
        return max(1, round(self.height / side)), max(1, round(self.width / side))

    @property
    def slots(self) -> int:
        """How many white cells and smudges fit."""
        rows, cols = self.parcels
        return rows * cols * SLOTS

    @property
    def whites(self) -> int:
        """Number of white cells."""
        if self.clumps:
            return sum(self.clumps)
        if self.white_cells is not None:
            return self.white_cells
        return min(round(self.area_um2 * WHITE_PER_UM2), self.slots)

    @property
    def smudge_count(self) -> int:
        """Number of smudge cells."""
        if self.clumps:
            return 0
        if self.smudges is not None:
            return self.smudges
        return min(round(self.area_um2 * SMUDGES_PER_UM2), self.slots - self.whites)

    @property
    def bodies(self) -> int:
        """White cells and smudges together."""
        return self.whites + self.smudge_count

    def rng(self, *key: int) -> Generator:
        """A generator of its own for one part of the scene, the same wherever it is asked for."""
        return default_rng((self.seed, *(k % 2**32 for k in key)))
