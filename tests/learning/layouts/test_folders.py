import numpy as np
import pytest

from allviewer.learning.layouts import read_samples
from allviewer.learning.patches import cut_patches
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, FOLDERS, LINEAGES


def test_folders_of_crops_are_read(tmp_path, picture):
    for i in range(3):
        picture(f"blast/{i}.png", (50, 60), 90)
        picture(f"normal/{i}.png", (50, 60), 180)
    found = read_samples(tmp_path, ALL_HEM)
    assert found.counts() == {"blast": 3, "normal": 3}
    assert not found.grouped
    assert found.layout.startswith("folders of crops")
    crops = cut_patches(found, 22.0, 64, None, margin=1)
    assert crops.shape == (6, 64, 64, 3)
    assert (crops[:3] == 90).all()
    assert (crops[3:] == 180).all()


def test_names_of_published_sets_are_understood(tmp_path, picture):
    for name in ("ALL/1.png", "hem/1.png"):
        picture(name)
    assert read_samples(tmp_path).counts() == {"blast": 1, "normal": 1}


def test_lineages_are_known_by_the_folders_of_pbc(tmp_path, picture):
    for name in ("ig", "neutrophil", "platelet"):
        picture(f"{name}/1.jpg")
    found = read_samples(tmp_path)
    assert found.taxonomy is LINEAGES
    assert found.counts()["immature-granulocyte"] == 1


def test_kinds_of_a_normal_film_are_normal_where_blasts_are_asked_for(tmp_path, picture):
    for name in ("ig", "neutrophil", "platelet"):
        picture(f"{name}/1.jpg")
    found = read_samples(tmp_path, ALL_HEM)
    assert found.counts() == {"blast": 0, "normal": 2}
    assert "1 images of what is no white cell" in found.note
    picture("blast/1.jpg")
    picture("blast/2.jpg")
    (tmp_path / "platelet/1.jpg").unlink()
    assert read_samples(tmp_path).taxonomy is ALL_HEM  # the only one with blasts
    picture("monocyte/1.jpg")
    (tmp_path / "blast/1.jpg").unlink()
    (tmp_path / "blast/2.jpg").unlink()
    assert read_samples(tmp_path).taxonomy is LINEAGES  # tells these apart, where the other calls all of them normal


def test_the_folders_own_names_make_classes(tmp_path, picture):
    for name in ("zebra", "Ant", "bee"):
        picture(f"{name}/1.png")
    with pytest.raises(DataError, match="--taxonomy"):
        read_samples(tmp_path)
    with pytest.raises(DataError, match="no class"):
        read_samples(tmp_path, ALL_HEM)
    found = read_samples(tmp_path, FOLDERS)
    assert found.classes == ("Ant", "bee", "zebra")
    assert found.labels.tolist() == [0, 1, 2]
    assert len({c.colour for c in found.taxonomy.classes}) == len({c.letter for c in found.taxonomy.classes}) == 3


def test_subjects_from_folders_inside_the_class_folders(tmp_path, picture):
    for name in ("blast/anna/1.png", "blast/bert/1.png", "normal/anna/1.png", "normal/carl/1.png"):
        picture(name)
    found = read_samples(tmp_path, ALL_HEM)
    assert found.grouped
    assert found.groups.tolist() == ["anna", "bert", "anna", "carl"]
    picture("normal/loose.png")
    assert not read_samples(tmp_path, ALL_HEM).grouped


def test_one_folder_for_all_images_of_a_class_is_no_subject(tmp_path, picture):
    for name in ("blast/images/1.png", "blast/images/2.png", "normal/images/1.png"):
        picture(name)
    assert not read_samples(tmp_path, ALL_HEM).grouped


def test_subjects_from_a_table(tmp_path, picture):
    for name in ("blast/1.png", "normal/2.png", "loose.png"):
        picture(name)
    table = tmp_path / "subjects.csv"
    table.write_text("file,subject\nblast/1.png,anna\n2.png,bert\n")
    found = read_samples(tmp_path, ALL_HEM)
    assert found.groups.tolist() == ["anna", "bert"]
    assert "Left out: 1 images" in found.note
    table.write_text("file,subject\nblast/1.png,anna\n")
    with pytest.raises(DataError, match=r"subject is not named: normal/2.png"):
        read_samples(tmp_path, ALL_HEM)
    table.write_text("file,patient\nblast/1.png,anna\n")
    with pytest.raises(DataError, match="column is missing"):
        read_samples(tmp_path, ALL_HEM)


def test_an_empty_folder_and_a_missing_one_end_in_a_sentence(tmp_path):
    with pytest.raises(DataError, match="no such data"):
        read_samples(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no labelled images"):
        read_samples(tmp_path)


def test_a_folder_linked_into_itself_is_read_once(tmp_path, picture):
    picture("blast/1.png")
    picture("normal/1.png")
    try:
        (tmp_path / "blast" / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("no links on this disk")
    assert np.array_equal(read_samples(tmp_path, ALL_HEM).labels, [0, 1])


def test_pbc_is_read_as_lineages(data):
    found = read_samples(data / "pbc_barcelona_subset")
    assert (found.taxonomy, found.grouped) == (LINEAGES, False)
    assert found.counts()["lymphocyte"] >= 100
    assert (found.um_per_px == np.float32(0.1)).mean() > 0.95


def test_crops_of_a_known_maker_are_cut_at_its_scale(tmp_path, picture):
    """A crop shows what prediction will show of the same cell; of another crop nobody knows what it shows."""
    picture("blast/1.png", (363, 360))
    picture("normal/1.png", (300, 300))
    found = read_samples(tmp_path, ALL_HEM)
    assert found.um_per_px.tolist()[0] == pytest.approx(0.1)
    assert found.centres[0].tolist() == [181.5, 180]
    assert np.isnan(found.um_per_px[1])
    assert "CellaVision" in found.note
